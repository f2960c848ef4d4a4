-- Upkeep and roll-ups of the event store; written by `ingest`.
CREATE TABLE storage_jobs (
    name             text PRIMARY KEY,
    every            interval NOT NULL,
    next_at          timestamptz NOT NULL,
    last_started_at  timestamptz,
    last_finished_at timestamptz,
    last_took_s      double precision,
    last_note        text NOT NULL DEFAULT '',
    last_error       text NOT NULL DEFAULT '',
    failures         integer NOT NULL DEFAULT 0   -- in a row
);

-- How far the move of a plain table into a hypertable has come, partition by partition.
CREATE TABLE storage_adoption (
    partition  text PRIMARY KEY,
    next_block bigint NOT NULL DEFAULT 0,
    blocks     bigint NOT NULL
);

-- Counted buckets. Below `rollup_marks.counted_to` the roll-ups are read from these tables, from
-- there on out of the events (plain PostgreSQL) or the continuous aggregates (TimescaleDB, where
-- the tables keep only what was counted before the extension came).
CREATE TABLE household_day_counts (
    household_id text NOT NULL,
    day          timestamptz NOT NULL,
    type         text NOT NULL,
    n            bigint NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (household_id, day, type)
);
CREATE TABLE fleet_hour_counts (
    hour      timestamptz NOT NULL,
    type      text NOT NULL,
    n         bigint NOT NULL,
    late      bigint NOT NULL,
    clock_off bigint NOT NULL,
    worst_lag interval NOT NULL,
    PRIMARY KEY (hour, type)
);
CREATE TABLE rollup_marks (
    rollup     text PRIMARY KEY,
    counted_to timestamptz NOT NULL DEFAULT '-infinity',
    seen_to    timestamptz NOT NULL DEFAULT '-infinity'  -- rows received before it were seen
);
INSERT INTO rollup_marks (rollup) VALUES ('household_days'), ('fleet_hours');

-- A day of the service begins at midnight in Korea, which has no summer time: 15:00 UTC.
CREATE FUNCTION make_event_aggregates(source regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('household_day_aggregate') IS NULL THEN
        EXECUTE format(
            'CREATE MATERIALIZED VIEW household_day_aggregate
             WITH (timescaledb.continuous, timescaledb.materialized_only = false,
                   timescaledb.create_group_indexes = false) AS
             SELECT household_id,
                    time_bucket(''1 day'', at, origin => timestamptz ''2000-01-01 15:00+00'') AS day,
                    type, count(*) AS n, min(at) AS first_at, max(at) AS last_at
             FROM %s GROUP BY 1, 2, 3 WITH NO DATA', source);
        CREATE INDEX ON household_day_aggregate (household_id, day);
    END IF;
    IF to_regclass('fleet_hour_aggregate') IS NULL THEN
        EXECUTE format(
            'CREATE MATERIALIZED VIEW fleet_hour_aggregate
             WITH (timescaledb.continuous, timescaledb.materialized_only = false,
                   timescaledb.create_group_indexes = false) AS
             SELECT time_bucket(''1 hour'', at) AS hour, type, count(*) AS n,
                    count(*) FILTER (WHERE received_at - at > interval ''1 minute'') AS late,
                    count(*) FILTER (WHERE clock_off) AS clock_off,
                    max(received_at - at) AS worst_lag
             FROM %s GROUP BY 1, 2 WITH NO DATA', source);
    END IF;
END $$;

-- Two names, one answer on both stores. Made again when a plain table has become a hypertable.
CREATE FUNCTION make_rollup_views() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) = 'p' THEN
        CREATE OR REPLACE VIEW household_days AS
        SELECT household_id, day, type, n, first_at, last_at FROM household_day_counts
        WHERE day < (SELECT counted_to FROM rollup_marks WHERE rollup = 'household_days')
        UNION ALL
        SELECT household_id, date_bin('1 day', at, '2000-01-01 15:00+00'), type, count(*), min(at),
               max(at)
        FROM events
        WHERE at >= (SELECT counted_to FROM rollup_marks WHERE rollup = 'household_days')
        GROUP BY 1, 2, 3;
        CREATE OR REPLACE VIEW fleet_hours AS
        SELECT hour, type, n, late, clock_off, worst_lag FROM fleet_hour_counts
        WHERE hour < (SELECT counted_to FROM rollup_marks WHERE rollup = 'fleet_hours')
        UNION ALL
        SELECT date_bin('1 hour', at, '2000-01-01 00:00+00'), type, count(*),
               count(*) FILTER (WHERE received_at - at > interval '1 minute'),
               count(*) FILTER (WHERE clock_off), max(received_at - at)
        FROM events
        WHERE at >= (SELECT counted_to FROM rollup_marks WHERE rollup = 'fleet_hours')
        GROUP BY 1, 2;
    ELSE
        CREATE OR REPLACE VIEW household_days AS
        SELECT household_id, day, type, n, first_at, last_at FROM household_day_counts
        WHERE day < (SELECT counted_to FROM rollup_marks WHERE rollup = 'household_days')
        UNION ALL
        SELECT household_id, day, type, n, first_at, last_at FROM household_day_aggregate
        WHERE day >= (SELECT counted_to FROM rollup_marks WHERE rollup = 'household_days');
        CREATE OR REPLACE VIEW fleet_hours AS
        SELECT hour, type, n, late, clock_off, worst_lag FROM fleet_hour_counts
        WHERE hour < (SELECT counted_to FROM rollup_marks WHERE rollup = 'fleet_hours')
        UNION ALL
        SELECT hour, type, n, late, clock_off, worst_lag FROM fleet_hour_aggregate
        WHERE hour >= (SELECT counted_to FROM rollup_marks WHERE rollup = 'fleet_hours');
    END IF;
END $$;

-- Old chunks are kept by home and time, without a segment key: a home has too few rows a chunk.
CREATE FUNCTION keep_columns_of(hypertable regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'ALTER TABLE %s SET (timescaledb.enable_columnstore, timescaledb.segmentby = '''',
                             timescaledb.orderby = ''household_id, at DESC'')', hypertable);
END $$;

DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) <> 'p' THEN
        PERFORM keep_columns_of('events');
        PERFORM make_event_aggregates('events');
    END IF;
    PERFORM make_rollup_views();

    -- Rows lie on disk as they arrived: a block index of some kilobytes finds a stretch of time
    -- and what came late. A table already large gets it with its next partitions, since a build
    -- would hold up the writers.
    IF (SELECT sum(pg_table_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass)
       > 1e9 THEN
        CREATE INDEX events_arrival ON ONLY events USING brin (at, received_at)
            WITH (pages_per_range = 64, autosummarize = on);
    ELSE
        CREATE INDEX events_arrival ON events USING brin (at, received_at)
            WITH (pages_per_range = 64, autosummarize = on);
    END IF;
END $$;
