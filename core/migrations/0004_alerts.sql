-- Incidents, responders, pages, timers and the logs; written by `alerts`.
CREATE TABLE responders (
    responder_id   text PRIMARY KEY,
    name           text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('crew', 'guard', 'guardian', 'engineer')),
    lat            double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon            double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    position_at    timestamptz NOT NULL DEFAULT now(),
    shift_start    time,           -- local time of the service; both null: around the clock
    shift_end      time,           -- may be before shift_start: across midnight
    on_leave       boolean NOT NULL DEFAULT false,
    webhook_url    text,
    webhook_secret text,
    apprise_url    text,
    removed_at     timestamptz,
    CHECK ((shift_start IS NULL) = (shift_end IS NULL))
);

CREATE TABLE incidents (
    incident_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    household_id    text NOT NULL REFERENCES households,
    kind            text NOT NULL,
    priority        smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
    state           text NOT NULL,
    opened_at       timestamptz NOT NULL,   -- when it happened, by the event
    created_at      timestamptz NOT NULL,   -- when we wrote it
    acknowledged_at timestamptz,
    acknowledged_by text,
    arrived_at      timestamptz,
    closed_at       timestamptz,
    closed_by       text,
    closing_note    text NOT NULL DEFAULT '',
    version         integer NOT NULL DEFAULT 0
);
-- A second press joins the open incident; it never opens another.
CREATE UNIQUE INDEX incidents_open ON incidents (household_id, kind) WHERE closed_at IS NULL;
-- what was closed last; the minute's test of the path is not among it
CREATE INDEX incidents_closed ON incidents (closed_at DESC)
    WHERE closed_at IS NOT NULL AND household_id <> 'synthetic';

CREATE TABLE incident_events (
    incident_id  bigint NOT NULL REFERENCES incidents,
    household_id text NOT NULL,
    at           timestamptz NOT NULL,
    device_id    text NOT NULL,
    seq          bigint NOT NULL,
    source       text NOT NULL,
    type         text NOT NULL,
    data         json NOT NULL,
    PRIMARY KEY (incident_id, at, device_id, seq, source)
);

-- a redelivered event is found without reading every incident
CREATE INDEX ON incident_events (device_id, seq);

CREATE TABLE incident_log (
    incident_id bigint NOT NULL REFERENCES incidents,
    n           integer NOT NULL,
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    move        text NOT NULL,
    state       text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    digest      bytea NOT NULL,
    PRIMARY KEY (incident_id, n)
);

CREATE TABLE pages (
    page_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id  bigint NOT NULL REFERENCES incidents,
    responder_id text NOT NULL REFERENCES responders,
    round        integer NOT NULL,
    state        text NOT NULL,
    distance_m   double precision NOT NULL,
    planned_at   timestamptz NOT NULL,
    sent_at      timestamptz,
    answer_by    timestamptz NOT NULL,
    answered_at  timestamptz,
    UNIQUE (incident_id, responder_id, round)
);

CREATE TABLE deliveries (
    delivery_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id         bigint NOT NULL REFERENCES pages,
    channel         text NOT NULL,
    message         text NOT NULL CHECK (message IN ('page', 'stand_down')),
    state           text NOT NULL DEFAULT 'queued'
                    CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    sent_at         timestamptz,
    last_error      text NOT NULL DEFAULT '',
    UNIQUE (page_id, channel, message)
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'queued';

CREATE TABLE timers (
    timer_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    page_id     bigint REFERENCES pages,
    kind        text NOT NULL,
    due_at      timestamptz NOT NULL,
    done_at     timestamptz
);
CREATE INDEX timers_due ON timers (due_at) WHERE done_at IS NULL;

CREATE TABLE access_log (
    n            bigint PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    household_id text,
    detail       jsonb NOT NULL DEFAULT '{}',
    digest       bytea NOT NULL
);
CREATE INDEX ON access_log (household_id, at DESC);

CREATE TABLE synthetic_checks (
    check_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    acked_ms   integer,
    paged_ms   integer,
    ok         boolean NOT NULL,
    detail     text NOT NULL DEFAULT ''
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER incident_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- NOTIFY is a hint; every listener polls as well.
CREATE FUNCTION notify_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('incidents', NEW.incident_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_notify AFTER INSERT OR UPDATE ON incidents
    FOR EACH ROW EXECUTE FUNCTION notify_incident();
CREATE TRIGGER pages_notify AFTER INSERT OR UPDATE ON pages
    FOR EACH ROW EXECUTE FUNCTION notify_incident();

CREATE FUNCTION notify_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('deliveries', '');
    RETURN NULL;
END $$;
CREATE TRIGGER deliveries_notify AFTER INSERT ON deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION notify_delivery();
