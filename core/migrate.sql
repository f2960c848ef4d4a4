-- name: has_record
SELECT to_regclass('_yoyo_migration') IS NOT NULL AS found

-- name: make_record
-- The form of the tool that applied the first migrations, so that every database is read alike.
CREATE TABLE IF NOT EXISTS _yoyo_migration (
    migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), applied_at_utc timestamp
)

-- name: applied
SELECT migration_id FROM _yoyo_migration

-- name: record
INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
VALUES (%(hash)s, %(migration_id)s, now() AT TIME ZONE 'UTC')

-- name: lock_timeout
-- Longer than deadlock_timeout, at which autovacuum gives way; shorter than any writer's patience.
SELECT set_config('lock_timeout', '2s', true)

-- name: one_migrator
SELECT pg_advisory_xact_lock(hashtextextended('doorguard/migrate', 0))

-- name: oldest_transactions
SELECT pid, application_name, usename, state,
       round(extract(epoch FROM clock_timestamp() - xact_start))::integer AS age_s
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
ORDER BY xact_start LIMIT 3
