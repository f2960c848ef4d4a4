-- name: append_incident_line
INSERT INTO incident_log (incident_id, n, at, actor, move, state, detail, digest)
VALUES (%(incident_id)s, %(n)s, %(at)s, %(actor)s, %(move)s, %(state)s, %(detail)s, %(digest)s)

-- name: lock_access_log
SELECT pg_advisory_xact_lock(x'61636373'::int, 0)

-- name: last_access_line
SELECT n, digest FROM access_log ORDER BY n DESC LIMIT 1

-- name: append_access_line
INSERT INTO access_log (n, at, actor, action, household_id, detail, digest)
VALUES (%(n)s, %(at)s, %(actor)s, %(action)s, %(household_id)s, %(detail)s, %(digest)s)

-- name: incident_lines
SELECT incident_id, n, at, actor, move, state, detail, digest
FROM incident_log ORDER BY incident_id, n

-- name: access_lines
SELECT n, at, actor, action, household_id, detail, digest FROM access_log ORDER BY n

-- name: incidents_unlike_their_log
-- An incident's row counts its log lines, so a tail cut off shows.
SELECT i.incident_id, i.state, i.version, l.state AS log_state, coalesce(l.n, 0) AS log_n
FROM incidents i
LEFT JOIN LATERAL (
    SELECT n, state FROM incident_log WHERE incident_id = i.incident_id ORDER BY n DESC LIMIT 1
) l ON true
WHERE i.version IS DISTINCT FROM l.n OR i.state IS DISTINCT FROM l.state
ORDER BY i.incident_id
