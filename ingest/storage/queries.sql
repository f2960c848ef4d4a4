-- name: events_relkind
SELECT relkind::text FROM pg_class WHERE oid = 'events'::regclass

-- name: homes
-- The reader's own view of how large the fleet is.
SELECT count(*) AS n FROM households WHERE removed_at IS NULL

-- name: one_maker
SELECT pg_advisory_xact_lock(hashtextextended('doorguard/make-partitions', 0))

-- name: brief_lock
SELECT set_config('lock_timeout', '250ms', true)

-- name: job_lock_timeout
-- For the session. Longer than deadlock_timeout, at which autovacuum gives way to us; shorter than
-- the 3 s after which a writer behind us would give up.
SELECT set_config('lock_timeout', '2s', false)

-- name: partitions
-- Native partitions with their bounds; a default one has none and is told apart.
SELECT c.relname AS name, b.from_time, b.to_time
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid,
LATERAL (
    SELECT (regexp_match(bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz AS from_time,
           (regexp_match(bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz AS to_time
    FROM pg_get_expr(c.relpartbound, c.oid) AS bound
) b
WHERE i.inhparent = 'events'::regclass AND b.from_time IS NOT NULL
ORDER BY b.from_time

-- name: default_partition
SELECT count(*) AS n FROM pg_partitioned_table
WHERE partrelid = 'events'::regclass AND partdefid <> 0

-- name: unfrozen
SELECT c.relname AS name
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass
  AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz
      <= %(before)s::timestamptz
  AND pg_relation_size(c.oid) > 0
  AND c.relallvisible < pg_relation_size(c.oid) / current_setting('block_size')::bigint
ORDER BY c.relname

-- name: expired_partitions
SELECT c.relname AS name
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass
  AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz
      <= %(before)s::timestamptz
ORDER BY c.relname

-- name: expire_household_days
DELETE FROM household_day_counts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM household_day_counts WHERE day < %(before)s::timestamptz
    LIMIT %(rows)s::bigint))

-- name: expire_fleet_hours
DELETE FROM fleet_hour_counts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM fleet_hour_counts WHERE hour < %(before)s::timestamptz
    LIMIT %(rows)s::bigint))

-- name: expire_placements
-- As long as the row itself may stand, a retry must find its place.
DELETE FROM event_placements WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM event_placements WHERE placed_at < %(before)s::timestamptz
    LIMIT %(rows)s::bigint))

-- name: expire_rejected
DELETE FROM rejected_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM rejected_messages WHERE received_at < %(before)s::timestamptz
    LIMIT %(rows)s::bigint))

-- name: expire_attribution_changes
DELETE FROM attribution_changes WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM attribution_changes WHERE changed_at < %(before)s::timestamptz
    LIMIT %(rows)s::bigint))

-- name: rollup_mark
SELECT nullif(counted_to, '-infinity') AS counted_to, nullif(seen_to, '-infinity') AS seen_to
FROM rollup_marks WHERE rollup = %(rollup)s FOR UPDATE

-- name: rollup_marks
SELECT rollup, nullif(counted_to, '-infinity') AS counted_to FROM rollup_marks ORDER BY rollup

-- name: move_mark
UPDATE rollup_marks SET counted_to = greatest(counted_to, %(counted_to)s::timestamptz),
                        seen_to = greatest(seen_to, %(seen_to)s::timestamptz)
WHERE rollup = %(rollup)s

-- name: count_household_days
-- The days that rows touched since the last look, and those closed since, counted whole.
WITH touched AS (
    SELECT household_id, date_bin('1 day', at, '2000-01-01 15:00+00') AS day FROM events
    WHERE received_at >= coalesce(%(received_from)s::timestamptz, '-infinity')
      AND at < %(to)s::timestamptz
    UNION
    SELECT household_id, date_bin('1 day', at, '2000-01-01 15:00+00') FROM events
    WHERE at >= coalesce(%(counted_to)s::timestamptz, '-infinity') AND at < %(to)s::timestamptz
)
INSERT INTO household_day_counts (household_id, day, type, n, first_at, last_at)
SELECT e.household_id, t.day, e.type, count(*), min(e.at), max(e.at)
FROM touched t
JOIN events e ON e.household_id = t.household_id AND e.at >= t.day AND e.at < t.day + interval '1 day'
GROUP BY 1, 2, 3
ON CONFLICT (household_id, day, type) DO UPDATE
SET n = excluded.n, first_at = excluded.first_at, last_at = excluded.last_at
WHERE (household_day_counts.n, household_day_counts.first_at, household_day_counts.last_at)
      IS DISTINCT FROM (excluded.n, excluded.first_at, excluded.last_at)

-- name: touched_fleet_hours
SELECT date_bin('1 hour', at, '2000-01-01 00:00+00') AS hour FROM events
WHERE received_at >= coalesce(%(received_from)s::timestamptz, '-infinity')
  AND at < %(to)s::timestamptz
UNION
SELECT date_bin('1 hour', at, '2000-01-01 00:00+00') FROM events
WHERE at >= coalesce(%(counted_to)s::timestamptz, '-infinity') AND at < %(to)s::timestamptz
ORDER BY hour

-- name: count_fleet_hours
INSERT INTO fleet_hour_counts (hour, type, n, late, clock_off, worst_lag)
SELECT date_bin('1 hour', at, '2000-01-01 00:00+00'), type, count(*),
       count(*) FILTER (WHERE received_at - at > interval '1 minute'),
       count(*) FILTER (WHERE clock_off), max(received_at - at)
FROM events
WHERE at >= %(from_at)s::timestamptz AND at < %(to_at)s::timestamptz
GROUP BY 1, 2
ON CONFLICT (hour, type) DO UPDATE
SET n = excluded.n, late = excluded.late, clock_off = excluded.clock_off,
    worst_lag = excluded.worst_lag
WHERE (fleet_hour_counts.n, fleet_hour_counts.late, fleet_hour_counts.clock_off,
       fleet_hour_counts.worst_lag)
      IS DISTINCT FROM (excluded.n, excluded.late, excluded.clock_off, excluded.worst_lag)

-- name: rows_between
-- Some row that is not counted yet and should be.
SELECT (SELECT at FROM events
        WHERE at >= coalesce(%(from_at)s::timestamptz, '-infinity') AND at < %(to_at)s::timestamptz
        LIMIT 1) AS at

-- name: sync_job
INSERT INTO storage_jobs (name, every, next_at)
VALUES (%(name)s, %(every)s::interval, %(now)s::timestamptz)
ON CONFLICT (name) DO UPDATE SET every = excluded.every WHERE storage_jobs.every <> excluded.every

-- name: forget_jobs
DELETE FROM storage_jobs WHERE name <> ALL(%(names)s::text[])

-- name: jobs
SELECT name, every, next_at, last_started_at, last_finished_at, last_took_s, last_note, last_error,
       failures
FROM storage_jobs ORDER BY next_at, name

-- name: claim_job
-- Held by the session: a worker that dies lets go at once.
SELECT pg_try_advisory_lock(hashtextextended('doorguard/storage/' || %(claim)s::text, 0)) AS mine

-- name: release_job
SELECT pg_advisory_unlock(hashtextextended('doorguard/storage/' || %(claim)s::text, 0))

-- name: start_job
UPDATE storage_jobs SET last_started_at = %(now)s::timestamptz, next_at = %(next_at)s::timestamptz
WHERE name = %(name)s AND (next_at <= %(now)s::timestamptz OR %(at_once)s::boolean)
RETURNING failures

-- name: finish_job
UPDATE storage_jobs
SET last_finished_at = %(now)s::timestamptz, next_at = %(next_at)s::timestamptz,
    last_took_s = %(took_s)s, last_note = %(note)s, last_error = '', failures = 0
WHERE name = %(name)s

-- name: fail_job
UPDATE storage_jobs
SET next_at = %(next_at)s::timestamptz, last_took_s = %(took_s)s, last_error = %(error)s,
    failures = failures + 1
WHERE name = %(name)s

-- name: extension
SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'timescaledb'

-- name: server
SELECT current_setting('server_version') AS version,
       pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers_bytes,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS extension_version,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
           AS extension_available

-- name: partition_sizes
SELECT c.relname AS name, b.from_time, b.to_time, false AS packed,
       nullif(c.reltuples, -1)::bigint AS rows, pg_table_size(c.oid) AS table_bytes,
       pg_indexes_size(c.oid) AS index_bytes, NULL::float8 AS ratio
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid,
LATERAL (
    SELECT (regexp_match(bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz AS from_time,
           (regexp_match(bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz AS to_time
    FROM pg_get_expr(c.relpartbound, c.oid) AS bound
) b
WHERE i.inhparent = 'events'::regclass AND b.from_time IS NOT NULL
ORDER BY b.from_time

-- name: side_counts
SELECT (SELECT count(*) FROM event_placements) AS placements,
       (SELECT count(*) FROM rejected_messages) AS rejected_kept,
       (SELECT coalesce(sum(n), 0)::bigint FROM reject_counts) AS rejected,
       (SELECT count(*) FROM storage_adoption) > 0 OR to_regclass('events_adopted') IS NOT NULL
           OR to_regclass('events_plain') IS NOT NULL
           OR EXISTS (SELECT FROM pg_trigger
                      WHERE tgrelid = 'events'::regclass AND tgname = 'events_guard') AS adopting
