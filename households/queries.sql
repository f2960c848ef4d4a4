-- name: insert_household
INSERT INTO households (household_id, name, address, access_note, district, lat, lon, high_risk)
VALUES (%(household_id)s, %(name)s, %(address)s, %(access_note)s, %(district)s, %(lat)s, %(lon)s,
        %(high_risk)s)
ON CONFLICT (household_id) DO NOTHING
RETURNING household_id

-- name: insert_resident
INSERT INTO residents (household_id, name, phone, note)
VALUES (%(household_id)s, %(name)s, %(phone)s, %(note)s)

-- name: list_households
SELECT h.household_id, h.name, h.address, h.access_note, h.district, h.lat, h.lon, h.high_risk,
       h.created_at,
       coalesce(json_agg(r.name ORDER BY r.resident_id) FILTER (WHERE r.name IS NOT NULL), '[]')
           AS residents
FROM households h
LEFT JOIN residents r ON r.household_id = h.household_id
WHERE h.removed_at IS NULL
GROUP BY h.household_id
ORDER BY h.household_id

-- name: set_risk
UPDATE households SET high_risk = %(high_risk)s
WHERE household_id = %(household_id)s AND removed_at IS NULL
RETURNING household_id

-- name: remove_household
UPDATE households SET removed_at = %(now)s
WHERE household_id = %(household_id)s AND removed_at IS NULL
RETURNING household_id

-- name: devices_in_service
SELECT count(*) AS n FROM device_assignments a
JOIN devices d ON d.device_id = a.device_id AND d.revoked_at IS NULL
WHERE a.household_id = %(household_id)s AND a.valid_to = 'infinity'
