-- name: incident
SELECT i.*, h.name AS household_name, h.address, h.district, h.lat, h.lon
FROM incidents i JOIN households h USING (household_id) WHERE i.incident_id = %(incident_id)s

-- name: lines
SELECT incident_id, n, at, actor, move, state, detail, digest
FROM incident_log WHERE incident_id = %(incident_id)s ORDER BY n

-- name: events
SELECT at, device_id, seq, source, type, data
FROM incident_events WHERE incident_id = %(incident_id)s ORDER BY at, device_id, seq

-- name: pages
SELECT p.*, r.name AS responder_name, r.kind AS responder_kind
FROM pages p JOIN responders r USING (responder_id)
WHERE p.incident_id = %(incident_id)s ORDER BY p.page_id

-- name: findings
SELECT f.page_id, p.responder_id AS responder, f.finding, f.note, f.found_at
FROM page_findings f JOIN pages p USING (page_id)
WHERE p.incident_id = %(incident_id)s ORDER BY f.page_id

-- name: photos
SELECT f.object_key AS key, f.sha256, f.taken_at AS captured_at, f.page_id,
       p.responder_id AS responder
FROM page_photos f JOIN pages p USING (page_id)
WHERE p.incident_id = %(incident_id)s ORDER BY f.page_id, f.taken_at, f.sha256

-- name: deliveries
SELECT d.delivery_id, d.page_id, d.channel, d.message, d.state, d.attempts, d.sent_at, d.last_error
FROM deliveries d JOIN pages p USING (page_id)
WHERE p.incident_id = %(incident_id)s ORDER BY d.delivery_id

-- name: notices
SELECT n.notice_id, c.name, n.state, n.attempts, n.planned_at, n.sent_at, n.last_error
FROM notices n JOIN home_contacts c USING (contact_id)
WHERE n.incident_id = %(incident_id)s ORDER BY n.notice_id
