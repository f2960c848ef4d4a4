-- name: search_incidents
SELECT i.incident_id, i.kind, i.priority, i.state, i.opened_at, i.closed_at, i.acknowledged_by,
       i.closed_by, i.false_cause, h.name AS household_name, h.address, h.district
FROM incidents i JOIN households h USING (household_id)
WHERE i.household_id <> 'synthetic' AND %(district)s IN ('', h.district)
  AND (%(kind)s = '' OR i.kind = %(kind)s)
  AND i.opened_at >= %(since)s::timestamptz AND i.opened_at < %(until)s::timestamptz
  AND (%(text)s = '' OR i.incident_id::text = %(text)s
       OR strpos(lower(concat_ws(' ', h.household_id, h.name, h.address, i.acknowledged_by,
                                 i.closed_by)), lower(%(text)s)) > 0)
ORDER BY i.opened_at DESC, i.incident_id DESC LIMIT %(limit)s

-- name: homes
-- Devices in service with their home, and what is open about them: those in trouble first.
SELECT h.household_id, h.name AS household_name, h.district, d.device_id, d.kind, s.online,
       s.last_heard_at, s.battery_percent, s.rssi_dbm, s.fw,
       EXISTS (SELECT FROM device_silences q WHERE q.device_id = d.device_id) AS silent,
       (SELECT i.kind FROM incidents i JOIN incident_events e USING (incident_id)
        WHERE i.household_id = h.household_id AND i.closed_at IS NULL
          AND i.kind IN ('camera', 'technical', 'tamper') AND e.device_id = d.device_id
        LIMIT 1) AS trouble
FROM households h
JOIN device_assignments a USING (household_id)
JOIN devices d USING (device_id)
LEFT JOIN device_state s USING (device_id)
WHERE h.removed_at IS NULL AND h.household_id <> 'synthetic' AND d.revoked_at IS NULL
  AND a.valid_from <= %(now)s::timestamptz AND a.valid_to > %(now)s::timestamptz
  AND %(district)s IN ('', h.district)
  AND (%(text)s = '' OR strpos(lower(concat_ws(' ', h.household_id, h.name, h.district,
                                               d.device_id)), lower(%(text)s)) > 0)
ORDER BY h.district, h.household_id, d.device_id LIMIT %(limit)s

-- name: home
SELECT household_id, name, address, district FROM households
WHERE household_id = %(household_id)s AND removed_at IS NULL

-- name: devices_of_home
-- As `homes`, of one home, with what each connects through and whether others connect through it.
SELECT d.device_id, d.kind, d.behind, s.online, s.last_heard_at, s.battery_percent,
       EXISTS (SELECT FROM device_silences q WHERE q.device_id = d.device_id) AS silent,
       (SELECT i.kind FROM incidents i JOIN incident_events e USING (incident_id)
        WHERE i.household_id = a.household_id AND i.closed_at IS NULL
          AND i.kind IN ('camera', 'technical', 'tamper') AND e.device_id = d.device_id
        LIMIT 1) AS trouble,
       EXISTS (SELECT FROM devices o WHERE o.behind = d.device_id AND o.revoked_at IS NULL)
           AS gateway
FROM device_assignments a
JOIN devices d USING (device_id)
LEFT JOIN device_state s USING (device_id)
WHERE a.household_id = %(household_id)s AND d.revoked_at IS NULL
  AND a.valid_from <= %(now)s::timestamptz AND a.valid_to > %(now)s::timestamptz
ORDER BY d.device_id

-- name: looks
-- Who looked where and why, newest first.
SELECT l.n, l.at, l.actor, l.action, l.household_id, h.name AS household_name, l.detail
FROM access_log l LEFT JOIN households h USING (household_id)
WHERE (%(text)s = '' OR strpos(lower(concat_ws(' ', l.actor, l.action, l.household_id, h.name)),
                               lower(%(text)s)) > 0)
  AND (NOT %(refused)s OR l.action = 'refused')
  AND (%(district)s = '' OR h.district = %(district)s)
ORDER BY l.n DESC LIMIT %(limit)s
