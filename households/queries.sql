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

-- name: set_mode
UPDATE households
SET mode = %(mode)s, mode_since = %(now)s, mode_until = %(until)s, mode_by = %(by)s
WHERE household_id = %(household_id)s AND removed_at IS NULL
RETURNING household_id

-- name: mode
-- A mode that has ended is `home` again, since its end.
SELECT CASE WHEN over THEN 'home' ELSE mode END AS mode,
       CASE WHEN over THEN mode_until ELSE mode_since END AS since,
       CASE WHEN over THEN NULL ELSE mode_until END AS until, mode_by AS by
FROM (SELECT *, coalesce(mode_until <= %(now)s::timestamptz, false) AS over FROM households) h
WHERE household_id = %(household_id)s AND removed_at IS NULL

-- name: add_guardian
-- Also names again one who was removed.
INSERT INTO guardians (household_id, user_id, name, relation, phone, rights, added_at, added_by)
VALUES (%(household_id)s, %(user_id)s, %(name)s, %(relation)s, %(phone)s, %(rights)s, %(now)s,
        %(by)s)
ON CONFLICT (household_id, user_id) DO UPDATE
SET name = excluded.name, relation = excluded.relation, phone = excluded.phone,
    rights = excluded.rights, added_at = excluded.added_at, added_by = excluded.added_by,
    removed_at = NULL
WHERE guardians.removed_at IS NOT NULL
RETURNING user_id

-- name: limit_guardian
UPDATE guardians SET rights = %(rights)s
WHERE household_id = %(household_id)s AND user_id = %(user_id)s AND removed_at IS NULL
RETURNING user_id

-- name: remove_guardian
UPDATE guardians SET removed_at = %(now)s
WHERE household_id = %(household_id)s AND user_id = %(user_id)s AND removed_at IS NULL
RETURNING user_id

-- name: guardians
SELECT user_id, name, relation, phone, rights, added_at, added_by FROM guardians
WHERE household_id = %(household_id)s AND removed_at IS NULL ORDER BY added_at, user_id

-- name: guardian_rights
SELECT rights FROM guardians
WHERE household_id = %(household_id)s AND user_id = %(user_id)s AND removed_at IS NULL
