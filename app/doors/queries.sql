-- name: device
-- A device in service, the home it serves, what it is told to be and whether it was last heard away.
SELECT d.device_id, d.kind, d.config, d.config_version, a.household_id,
       s.online IS FALSE AS known_away
FROM devices d
JOIN device_assignments a ON a.device_id = d.device_id AND a.valid_from <= %(now)s::timestamptz
     AND a.valid_to > %(now)s::timestamptz
LEFT JOIN device_state s ON s.device_id = d.device_id
WHERE d.device_id = %(device_id)s AND d.revoked_at IS NULL
