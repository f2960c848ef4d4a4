-- name: layout
SELECT shares, preparing, retiring FROM event_lane_layout

-- name: lane_locks
-- Who lives (class of members) and who holds which share, by the process id of the server's side.
SELECT classid::bigint AS class, objid::bigint AS key, pid
FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid::bigint IN (%(members)s, %(shares)s)

-- name: try_lock
SELECT pg_try_advisory_lock(%(class)s, %(key)s) AS got

-- name: unlock
SELECT pg_advisory_unlock(%(class)s, %(key)s) AS had

-- name: prepare_layout
UPDATE event_lane_layout SET preparing = %(preparing)s
WHERE shares = %(shares)s AND retiring IS NULL AND preparing IS NOT DISTINCT FROM %(before)s

-- name: switch_layout
UPDATE event_lane_layout SET shares = preparing, preparing = NULL, retiring = shares
WHERE shares = %(shares)s AND preparing = %(preparing)s AND retiring IS NULL

-- name: layout_retired
UPDATE event_lane_layout SET retiring = NULL WHERE retiring = %(retiring)s
