-- name: home_position
SELECT lat, lon FROM households WHERE household_id = %(household_id)s

-- name: cameras
-- Those that look at a home's door now.
SELECT d.device_id FROM device_assignments a
JOIN devices d ON d.device_id = a.device_id AND d.revoked_at IS NULL AND d.kind = 'camera'
WHERE a.household_id = %(household_id)s AND a.valid_from <= %(now)s::timestamptz
  AND a.valid_to > %(now)s::timestamptz
ORDER BY d.device_id
