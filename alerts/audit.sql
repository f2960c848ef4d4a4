-- name: append_incident_line
-- The line, and its place among those that wait for a seal.
WITH line AS (
    INSERT INTO incident_log (incident_id, n, at, actor, move, state, detail, digest)
    VALUES (%(incident_id)s, %(n)s, %(at)s, %(actor)s, %(move)s, %(state)s, %(detail)s, %(digest)s)
)
INSERT INTO audit_unsealed (incident_id, n, at, digest)
VALUES (%(incident_id)s, %(n)s, %(at)s, %(digest)s)

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

-- name: only_sealer
-- One process seals at a time; another does nothing meanwhile.
SELECT pg_try_advisory_xact_lock(x'7365616c'::int, 0) AS mine

-- name: last_seal
SELECT n, at, body, mac FROM audit_seals ORDER BY n DESC LIMIT 1

-- name: take_unsealed
-- What has been committed by now; a line whose transaction ends later is in the next seal.
DELETE FROM audit_unsealed WHERE ctid IN (SELECT ctid FROM audit_unsealed LIMIT %(limit)s)
RETURNING incident_id, n, digest

-- name: append_seal
INSERT INTO audit_seals (n, at, body, mac) VALUES (%(n)s, %(at)s, %(body)s, %(mac)s)

-- name: seals
SELECT n, at, body, mac FROM audit_seals ORDER BY n

-- name: sealed_lines
-- The digests that stand where seals name one.
SELECT s.incident_id, s.n, l.digest
FROM unnest(%(incidents)s::bigint[], %(lines)s::int[]) AS s (incident_id, n)
LEFT JOIN incident_log l USING (incident_id, n)

-- name: sealed_looks
SELECT s.n, l.digest FROM unnest(%(lines)s::bigint[]) AS s (n) LEFT JOIN access_log l USING (n)

-- name: ends_of_logs
-- The last line of each incident's log, and whether it waits for a seal.
SELECT l.incident_id, l.n, u.n IS NOT NULL AS waits
FROM (SELECT incident_id, max(n) AS n FROM incident_log GROUP BY incident_id) l
LEFT JOIN audit_unsealed u ON u.incident_id = l.incident_id AND u.n = l.n

-- name: waiting
SELECT count(*) AS n, min(at) AS since FROM audit_unsealed
