-- name: create_extension
CREATE EXTENSION IF NOT EXISTS timescaledb

-- name: exists
SELECT to_regclass(%(name)s::text) IS NOT NULL AS found

-- name: create_adopted
CREATE TABLE events_adopted (LIKE events INCLUDING DEFAULTS)

-- name: create_adopted_identity
CREATE UNIQUE INDEX events_adopted_identity
ON events_adopted (household_id, at DESC, device_id, seq, source)

-- name: create_adopted_arrival
CREATE INDEX events_adopted_arrival ON events_adopted USING brin (at, received_at)
WITH (pages_per_range = 64, autosummarize = on)

-- name: keep_adopted_columns
SELECT keep_columns_of('events_adopted')

-- name: mirrored
SELECT count(*) > 0 AS found FROM pg_trigger
WHERE tgrelid = 'events'::regclass AND tgname = 'events_mirror'

-- name: create_mirror_function
CREATE OR REPLACE FUNCTION mirror_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_adopted (household_id, at, device_id, seq, source, type,
                                received_at, reported_at, clock_off, data)
    SELECT household_id, at, device_id, seq, source, type, received_at, reported_at, clock_off, data
    FROM arrived
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$

-- name: create_mirror
CREATE TRIGGER events_mirror AFTER INSERT ON events REFERENCING NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION mirror_events()

-- name: note_partitions
INSERT INTO storage_adoption (partition, blocks)
SELECT c.relname, pg_relation_size(c.oid) / current_setting('block_size')::bigint
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass

-- name: next_partition
SELECT partition, next_block, blocks FROM storage_adoption
WHERE next_block < blocks ORDER BY partition LIMIT 1

-- name: copy_blocks
INSERT INTO events_adopted (household_id, at, device_id, seq, source, type,
                            received_at, reported_at, clock_off, data)
SELECT household_id, at, device_id, seq, source, type, received_at, reported_at, clock_off, data
FROM {partition}
WHERE ctid >= %(begin)s::tid AND ctid < %(end)s::tid
ON CONFLICT DO NOTHING

-- name: note_copied
UPDATE storage_adoption SET next_block = %(next_block)s WHERE partition = %(partition)s

-- name: make_adopted_aggregates
SELECT make_event_aggregates('events_adopted')

-- name: one_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: lock_events
LOCK TABLE events IN ACCESS EXCLUSIVE MODE

-- name: drop_mirror
DROP TRIGGER IF EXISTS events_mirror ON events

-- name: drop_mirror_function
DROP FUNCTION IF EXISTS mirror_events()

-- name: rename_old_identity
ALTER INDEX events_identity RENAME TO events_plain_identity

-- name: rename_old_arrival
ALTER INDEX events_arrival RENAME TO events_plain_arrival

-- name: rename_old
ALTER TABLE events RENAME TO events_plain

-- name: rename_new_identity
ALTER INDEX events_adopted_identity RENAME TO events_identity

-- name: rename_new_arrival
ALTER INDEX events_adopted_arrival RENAME TO events_arrival

-- name: rename_new
ALTER TABLE events_adopted RENAME TO events

-- name: create_guard_function
-- A COPY that waited for the old table in the swap goes on into the root of the hypertable, past the
-- extension, where nobody would ever see its rows: it is told to try again, as for a lock.
CREATE OR REPLACE FUNCTION guard_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_RELID = 'events'::regclass THEN
        RAISE EXCEPTION 'events has just become a hypertable' USING ERRCODE = 'lock_not_available';
    END IF;
    RETURN NEW;
END $$

-- name: create_guard
CREATE TRIGGER events_guard BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION guard_events()

-- name: guarded
SELECT count(*) > 0 AS found FROM pg_trigger
WHERE tgrelid = 'events'::regclass AND tgname = 'events_guard'

-- name: drop_guard
DROP TRIGGER events_guard ON events

-- name: drop_guard_function
DROP FUNCTION guard_events()

-- name: make_rollup_views
SELECT make_rollup_views()

-- name: forget_adoption
DELETE FROM storage_adoption

-- name: set_archive_mark
UPDATE rollup_marks SET counted_to = least(counted_to, %(bound)s::timestamptz), seen_to = '-infinity'
WHERE rollup = %(rollup)s

-- name: trim_household_days
DELETE FROM household_day_counts
WHERE day >= (SELECT counted_to FROM rollup_marks WHERE rollup = %(rollup)s)

-- name: trim_fleet_hours
DELETE FROM fleet_hour_counts
WHERE hour >= (SELECT counted_to FROM rollup_marks WHERE rollup = %(rollup)s)

-- name: drop_old
DROP TABLE events_plain

-- name: drop_adopted_days
DROP MATERIALIZED VIEW IF EXISTS household_day_aggregate

-- name: drop_adopted_hours
DROP MATERIALIZED VIEW IF EXISTS fleet_hour_aggregate

-- name: drop_adopted
DROP TABLE IF EXISTS events_adopted
