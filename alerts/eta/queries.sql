-- name: incidents
-- For whom somebody is sent or on the way, the most urgent first.
SELECT incident_id FROM incidents
WHERE closed_at IS NULL AND priority <= 2 AND household_id <> 'synthetic'
  AND state IN ('raised', 'acknowledged', 'verifying', 'dispatched', 'accepted', 'en_route')
ORDER BY priority, incident_id
LIMIT %(limit)s

-- name: accepted
SELECT responder_id FROM pages WHERE incident_id = %(incident_id)s AND state = 'accepted'

-- name: incident
SELECT incident_id, household_id, kind FROM incidents WHERE incident_id = %(incident_id)s

-- name: keep
INSERT INTO eta_estimates (incident_id, responder_id, eta_s, eta_by, at)
SELECT %(incident_id)s, responder_id, eta_s, %(by)s, %(at)s
FROM unnest(%(responders)s::text[], %(times)s::float8[]) AS found (responder_id, eta_s)
ON CONFLICT (incident_id, responder_id) DO UPDATE
SET eta_s = excluded.eta_s, eta_by = excluded.eta_by, at = excluded.at

-- name: forget
DELETE FROM eta_estimates e USING incidents i
WHERE i.incident_id = e.incident_id AND i.closed_at IS NOT NULL
