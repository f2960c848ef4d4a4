-- name: open_incidents
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note
FROM incidents i JOIN households h USING (household_id)
WHERE i.closed_at IS NULL
  AND NOT (i.household_id = 'synthetic' AND i.kind = 'test')
ORDER BY i.priority, i.opened_at, i.incident_id

-- name: closed_incidents
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note
FROM incidents i JOIN households h USING (household_id)
WHERE i.closed_at IS NOT NULL AND NOT (i.household_id = 'synthetic' AND i.kind = 'test')
ORDER BY i.created_at DESC
LIMIT %(limit)s

-- name: one_incident
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note
FROM incidents i JOIN households h USING (household_id)
WHERE i.incident_id = %(incident_id)s

-- name: residents
SELECT household_id, name, phone, note FROM residents
WHERE household_id = ANY (%(homes)s::text[]) ORDER BY resident_id

-- name: pages
SELECT p.incident_id, p.page_id, p.responder_id, r.name AS responder_name, r.kind, p.state,
       p.distance_m, p.round, p.planned_at, p.sent_at, p.answered_at, p.answer_by,
       coalesce(d.last_error, '') AS last_error
FROM pages p
JOIN responders r USING (responder_id)
LEFT JOIN LATERAL (
    SELECT last_error FROM deliveries
    WHERE page_id = p.page_id AND last_error <> '' ORDER BY delivery_id DESC LIMIT 1
) d ON true
WHERE p.incident_id = ANY (%(ids)s::bigint[])
ORDER BY p.page_id

-- name: events
SELECT incident_id, type, at, device_id, data FROM incident_events
WHERE incident_id = ANY (%(ids)s::bigint[]) ORDER BY incident_id, at, seq, source

-- name: lines
SELECT incident_id, n, at, actor, move, state, detail FROM incident_log
WHERE incident_id = ANY (%(ids)s::bigint[]) ORDER BY incident_id, n

-- name: counts
SELECT count(*) AS open,
       count(*) FILTER (WHERE acknowledged_at IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE priority = 1) AS p1,
       count(*) FILTER (WHERE priority = 2) AS p2,
       count(*) FILTER (WHERE priority = 3) AS p3,
       count(*) FILTER (WHERE priority = 4) AS p4
FROM incidents
WHERE closed_at IS NULL AND NOT (household_id = 'synthetic' AND kind = 'test')
