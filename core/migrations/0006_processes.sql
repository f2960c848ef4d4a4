-- What runs, for `doorguard status`; written by `core.liveness`.
CREATE TABLE process_beats (
    process    text NOT NULL,
    instance   text NOT NULL,
    pid        integer NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL,
    beat_at    timestamptz NOT NULL,
    figures    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (process, instance)
);
