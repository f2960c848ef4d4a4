-- What rules ask of a home, validation levels, dispositions, code words; `high_risk` is written by
-- `households`, everything else by `alerts`.
ALTER TABLE households ADD COLUMN high_risk boolean NOT NULL DEFAULT false;

ALTER TABLE incidents
    ADD COLUMN level         smallint NOT NULL DEFAULT 1 CHECK (level BETWEEN 0 AND 4),
    ADD COLUMN level_reasons text[] NOT NULL DEFAULT '{}',
    ADD COLUMN level_set     smallint CHECK (level_set BETWEEN 0 AND 4),  -- by an operator
    ADD COLUMN level_set_on  smallint,         -- how many reasons were known then
    ADD COLUMN level_set_why text NOT NULL DEFAULT '',
    ADD COLUMN false_cause   text,
    ADD COLUMN duplicate_of  bigint REFERENCES incidents,
    ADD COLUMN shown_state   text;             -- to residents; null: the state itself

-- the history of one home
CREATE INDEX incidents_of_home ON incidents (household_id, incident_id DESC);
-- what happened at a home lately
CREATE INDEX incident_events_of_home ON incident_events (household_id, at DESC);

CREATE TABLE code_words (
    household_id text NOT NULL REFERENCES households,
    meaning      text NOT NULL CHECK (meaning IN ('cancel', 'duress')),
    argon2       text NOT NULL,
    set_at       timestamptz NOT NULL,
    PRIMARY KEY (household_id, meaning)
);
