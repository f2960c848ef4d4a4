-- name: insert_device
INSERT INTO devices (device_id, kind, password_bcrypt)
VALUES (%(device_id)s, %(kind)s, %(password_bcrypt)s)
ON CONFLICT (device_id) DO UPDATE
SET kind = excluded.kind, password_bcrypt = excluded.password_bcrypt, revoked_at = NULL,
    config = '{}', config_version = devices.config_version + 1
WHERE devices.revoked_at IS NOT NULL
RETURNING device_id

-- name: household_exists
SELECT 1 FROM households WHERE household_id = %(household_id)s AND removed_at IS NULL

-- name: assign
INSERT INTO device_assignments (device_id, household_id, valid_from)
VALUES (%(device_id)s, %(household_id)s, %(now)s)

-- name: end_assignments
UPDATE device_assignments SET valid_to = %(now)s
WHERE device_id = %(device_id)s AND valid_to = 'infinity' AND valid_from < %(now)s

-- name: revoke
UPDATE devices SET revoked_at = %(now)s
WHERE device_id = %(device_id)s AND revoked_at IS NULL AND kind <> 'synthetic'
RETURNING device_id

-- name: list_devices
SELECT d.device_id, d.kind, d.created_at, d.config, d.config_version, a.household_id
FROM devices d
LEFT JOIN device_assignments a ON a.device_id = d.device_id AND a.valid_to = 'infinity'
WHERE d.revoked_at IS NULL
ORDER BY d.device_id

-- name: device_credentials
SELECT device_id, password_bcrypt FROM devices
WHERE revoked_at IS NULL AND password_bcrypt IS NOT NULL
ORDER BY device_id

-- name: configure
UPDATE devices SET config = %(config)s, config_version = config_version + 1
WHERE device_id = %(device_id)s AND revoked_at IS NULL
RETURNING config_version

-- name: configuration
SELECT config FROM devices WHERE device_id = %(device_id)s AND revoked_at IS NULL FOR UPDATE

-- name: renew_configurations
-- What is published of a home's devices follows the home's risk.
UPDATE devices d SET config_version = config_version + 1
FROM device_assignments a
WHERE a.device_id = d.device_id AND a.valid_to = 'infinity' AND d.revoked_at IS NULL
    AND a.household_id = %(household_id)s

-- name: configured_devices
-- What must stand retained at the broker, newer versions than the caller has published.
SELECT d.device_id, d.config, d.config_version, coalesce(h.high_risk, false) AS high_risk
FROM devices d
LEFT JOIN device_assignments a ON a.device_id = d.device_id AND a.valid_to = 'infinity'
LEFT JOIN households h ON h.household_id = a.household_id
WHERE d.revoked_at IS NULL AND (d.config_version > 0 OR h.high_risk)
ORDER BY d.device_id

-- name: set_password
UPDATE devices SET password_bcrypt = %(password_bcrypt)s
WHERE device_id = %(device_id)s AND revoked_at IS NULL

-- name: device_hash
SELECT password_bcrypt FROM devices WHERE device_id = %(device_id)s AND revoked_at IS NULL
