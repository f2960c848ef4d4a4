-- Events and what ingest knows of devices; written by `ingest`.
-- `at` is where the row stands in time: as reported, or for a clock that is off (`clock_off`)
-- the place `event_placements` remembers, with the report kept in `reported_at`.
CREATE TABLE events (
    household_id text NOT NULL,
    at           timestamptz NOT NULL,
    device_id    text NOT NULL,
    seq          bigint NOT NULL,
    source       text NOT NULL,
    type         text NOT NULL,
    received_at  timestamptz NOT NULL,
    reported_at  timestamptz,
    clock_off    boolean NOT NULL DEFAULT false,
    data         json NOT NULL
) PARTITION BY RANGE (at);

-- With the extension the same table is a hypertable; without it, native weekly partitions.
CREATE FUNCTION make_event_partitions(from_time timestamptz, to_time timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    week timestamptz := date_bin('7 days', from_time, '2000-01-03 00:00+00');
    made integer := 0;
    part text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) <> 'p' THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('make_event_partitions'));
    WHILE week < to_time LOOP
        part := 'events_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                           part, week, week + interval '7 days');
            made := made + 1;
        END IF;
        week := week + interval '7 days';
    END LOOP;
    RETURN made;
END $$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        DROP TABLE events;
        CREATE TABLE events (
            household_id text NOT NULL,
            at           timestamptz NOT NULL,
            device_id    text NOT NULL,
            seq          bigint NOT NULL,
            source       text NOT NULL,
            type         text NOT NULL,
            received_at  timestamptz NOT NULL,
            reported_at  timestamptz,
            clock_off    boolean NOT NULL DEFAULT false,
            data         json NOT NULL
        );
        PERFORM create_hypertable('events', 'at', chunk_time_interval => interval '7 days',
                                  create_default_indexes => false);
    END IF;
END $$;

CREATE UNIQUE INDEX events_identity ON events (household_id, at DESC, device_id, seq, source);
DO $$
BEGIN
    PERFORM make_event_partitions(now() - interval '36 days', now() + interval '28 days');
END $$;

-- Where a row with a wrong clock was put at first sight, so that a retry lands on the same key.
CREATE TABLE event_placements (
    device_id   text NOT NULL,
    source      text NOT NULL,
    seq         bigint NOT NULL,
    reported_at timestamptz NOT NULL,
    placed_at   timestamptz NOT NULL,
    PRIMARY KEY (device_id, source, seq, reported_at)
);

CREATE TABLE device_state (
    device_id         text PRIMARY KEY,
    online            boolean,
    status_at         timestamptz,
    last_heard_at     timestamptz,
    last_heartbeat_at timestamptz,
    fw                text,
    battery_percent   smallint,
    rssi_dbm          integer,
    config_version    integer
);

CREATE TABLE rejected_messages (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    lane        text NOT NULL,
    topic       text NOT NULL,
    device_id   text,
    reason      text NOT NULL,
    detail      text NOT NULL DEFAULT '',
    size_bytes  integer NOT NULL,
    payload     bytea NOT NULL CHECK (octet_length(payload) <= 4096)
);
CREATE INDEX ON rejected_messages (received_at DESC);

-- Every rejection is counted, also those past the limit on kept ones.
CREATE TABLE reject_counts (
    lane    text NOT NULL,
    reason  text NOT NULL,
    n       bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (lane, reason)
);

-- Events that reached the event lane and may open an incident: the alarms process takes them.
CREATE TABLE alarm_handoff (
    handoff_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    household_id text NOT NULL,
    at           timestamptz NOT NULL,
    device_id    text NOT NULL,
    seq          bigint NOT NULL,
    source       text NOT NULL,
    type         text NOT NULL,
    data         json NOT NULL
);
