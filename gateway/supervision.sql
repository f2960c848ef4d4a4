-- name: watched
-- Devices that must be heard. Phones come and go; the synthetic button has its own watchman.
SELECT d.device_id, a.household_id, d.behind, s.online, s.status_at, s.last_heard_at
FROM devices d
JOIN device_assignments a ON a.device_id = d.device_id AND a.valid_to = 'infinity'
LEFT JOIN device_state s ON s.device_id = d.device_id
WHERE d.revoked_at IS NULL AND d.kind IN ('camera', 'button')

-- name: told
SELECT device_id, household_id, type, since FROM device_silences

-- name: begin
INSERT INTO device_silences (device_id, household_id, type, since, told_at)
VALUES (%(device_id)s, %(household_id)s, %(type)s, %(since)s, %(now)s)

-- name: end
DELETE FROM device_silences WHERE device_id = %(device_id)s AND household_id = %(household_id)s

-- name: forget_removed
-- A device out of service is no longer waited for.
DELETE FROM device_silences WHERE device_id IN (
    SELECT device_id FROM devices WHERE revoked_at IS NOT NULL
)

-- name: only_supervisor
SELECT pg_try_advisory_xact_lock(x'73696c65'::int, 0) AS mine

-- name: put_behind
UPDATE devices SET behind = %(behind)s WHERE device_id = %(device_id)s AND revoked_at IS NULL
RETURNING device_id
