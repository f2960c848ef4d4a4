-- name: begin
INSERT INTO handoffs (incident_id, service, begun_at, begun_by)
VALUES (%(incident_id)s, %(service)s, %(now)s, %(actor)s)
ON CONFLICT (incident_id, service) WHERE ended_at IS NULL DO NOTHING
RETURNING handoff_id

-- name: calls
SELECT h.handoff_id, h.service, h.begun_at, h.begun_by, h.spoken_to, h.reference, h.ended_at,
       h.ended_by, h.outcome,
       coalesce((SELECT array_agg(step ORDER BY done_at, step) FROM handoff_steps
                 WHERE handoff_id = h.handoff_id), '{}') AS done
FROM handoffs h WHERE h.incident_id = %(incident_id)s
ORDER BY h.handoff_id

-- name: tick
INSERT INTO handoff_steps (handoff_id, step, done_at, done_by)
VALUES (%(handoff_id)s, %(step)s, %(now)s, %(actor)s)
ON CONFLICT DO NOTHING
RETURNING step

-- name: untick
DELETE FROM handoff_steps WHERE handoff_id = %(handoff_id)s AND step = %(step)s RETURNING step

-- name: end
UPDATE handoffs
SET ended_at = %(now)s, ended_by = %(actor)s, outcome = %(outcome)s, spoken_to = %(spoken_to)s,
    reference = %(reference)s
WHERE handoff_id = %(handoff_id)s AND ended_at IS NULL
