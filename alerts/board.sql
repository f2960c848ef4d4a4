-- name: open_incidents
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note,
       i.level, i.level_reasons, i.level_set_why
FROM incidents i JOIN households h USING (household_id)
WHERE i.closed_at IS NULL
  AND NOT (i.household_id = 'synthetic' AND i.kind = 'test')
ORDER BY i.priority, i.opened_at, i.incident_id

-- name: closed_incidents
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note,
       i.level, i.level_reasons, i.level_set_why
FROM incidents i JOIN households h USING (household_id)
WHERE i.closed_at IS NOT NULL AND i.household_id <> 'synthetic'
ORDER BY i.closed_at DESC
LIMIT %(limit)s

-- name: one_incident
SELECT i.incident_id, i.household_id, h.name AS household_name, h.address, h.access_note,
       h.district, i.kind, i.priority, i.state, i.opened_at, i.created_at, i.acknowledged_by,
       i.acknowledged_at, i.arrived_at, i.closed_at, i.closed_by, i.closing_note,
       i.level, i.level_reasons, i.level_set_why
FROM incidents i JOIN households h USING (household_id)
WHERE i.incident_id = %(incident_id)s

-- name: residents
SELECT household_id, name, phone, note FROM residents
WHERE household_id = ANY (%(homes)s::text[]) ORDER BY resident_id

-- name: pages
SELECT p.incident_id, p.page_id, p.responder_id, r.name AS responder_name, r.kind, p.state,
       p.distance_m, p.eta_s, p.round, p.planned_at, p.sent_at, p.answered_at, p.answer_by,
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
-- The newest 50 of each.
SELECT e.incident_id, e.type, e.at, e.device_id, e.data
FROM unnest(%(ids)s::bigint[]) AS wanted (incident_id), LATERAL (
    SELECT incident_id, type, at, device_id, seq, source, data FROM incident_events
    WHERE incident_id = wanted.incident_id
    ORDER BY at DESC, seq DESC, source DESC LIMIT 50
) e
ORDER BY e.incident_id, e.at, e.seq, e.source

-- name: lines
-- The newest 100 of each.
SELECT l.incident_id, l.n, l.at, l.actor, l.move, l.state, l.detail
FROM unnest(%(ids)s::bigint[]) AS wanted (incident_id), LATERAL (
    SELECT incident_id, n, at, actor, move, state, detail FROM incident_log
    WHERE incident_id = wanted.incident_id ORDER BY n DESC LIMIT 100
) l
ORDER BY l.incident_id, l.n

-- name: photos
-- What responders photographed.
SELECT p.incident_id, f.object_key AS key, f.sha256, f.taken_at AS captured_at
FROM page_photos f JOIN pages p USING (page_id)
WHERE p.incident_id = ANY (%(ids)s::bigint[])
ORDER BY f.taken_at, f.sha256

-- name: marks
-- What the whole log says, however long it is.
SELECT incident_id,
       coalesce(max(n) FILTER (WHERE move = 'nobody')
                > coalesce(max(n) FILTER (WHERE move = 'page'), 0), false) AS nobody,
       coalesce(max(n) FILTER (WHERE move = 'overdue')
                > coalesce(max(n) FILTER (WHERE move = 'arrive'), 0), false) AS overdue,
       coalesce(max(n) FILTER (WHERE move = 'breach')
                > coalesce(max(n) FILTER (WHERE move IN ('arrive', 'accept')), 0), false) AS breach
FROM incident_log
WHERE incident_id = ANY (%(ids)s::bigint[])
  AND move IN ('nobody', 'page', 'overdue', 'arrive', 'breach', 'accept')
GROUP BY incident_id

-- name: seen
-- Alarms and restores in order of arrival, without those that a later one of the same type and
-- device repeats: to what is outstanding they make no difference, and they may be thousands.
SELECT incident_id, type, device_id, seq
FROM (
    SELECT incident_id, n, type, device_id, seq,
           max(seq) OVER (PARTITION BY incident_id, type, device_id ORDER BY n DESC
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS highest_later
    FROM (
        SELECT incident_id, n, detail->>'type' AS type, detail->>'device' AS device_id,
               (detail->>'seq')::bigint AS seq
        FROM incident_log
        WHERE incident_id = ANY (%(ids)s::bigint[]) AND detail->>'seq' IS NOT NULL
    ) named
) ranked
WHERE highest_later IS NULL OR seq > highest_later
ORDER BY incident_id, n

-- name: counts
SELECT count(*) AS open,
       count(*) FILTER (WHERE acknowledged_at IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE priority = 1) AS p1,
       count(*) FILTER (WHERE priority = 2) AS p2,
       count(*) FILTER (WHERE priority = 3) AS p3,
       count(*) FILTER (WHERE priority = 4) AS p4
FROM incidents
WHERE closed_at IS NULL AND NOT (household_id = 'synthetic' AND kind = 'test')
