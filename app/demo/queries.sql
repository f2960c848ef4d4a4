-- name: recent_events
SELECT received_at, household_id, device_id, seq, source, type
FROM events
WHERE at > now() - interval '10 minutes' AND household_id = ANY(%(households)s)
ORDER BY received_at, at

-- name: log_lines
SELECT l.incident_id, l.n, l.at, l.actor, l.move, l.state, l.detail, i.household_id, i.kind
FROM incident_log l
JOIN incidents i USING (incident_id)
WHERE i.household_id = ANY(%(households)s)
ORDER BY l.at, l.incident_id, l.n

-- name: accepted_pages
SELECT p.responder_id, p.answered_at, i.household_id, i.kind
FROM pages p
JOIN incidents i USING (incident_id)
WHERE p.state = 'accepted'

-- name: stored_seqs
SELECT device_id, array_agg(seq ORDER BY seq) AS seqs
FROM events
WHERE device_id = ANY(%(devices)s) AND source = 'device'
GROUP BY device_id

-- name: loiter_found
SELECT received_at, at, data FROM events
WHERE household_id = %(household_id)s AND type = 'loiter.started'
ORDER BY received_at LIMIT 1

-- name: open_incident_of_home
-- With the page of whoever is nearest to be there.
SELECT i.incident_id, p.page_id FROM incidents i JOIN pages p USING (incident_id)
WHERE i.household_id = %(household_id)s AND i.closed_at IS NULL AND i.kind = 'sos'
ORDER BY i.incident_id, p.state = 'accepted' DESC, p.page_id LIMIT 1
