-- name: home_position
SELECT lat, lon FROM households WHERE household_id = %(household_id)s

-- name: cameras
-- Those that look at a home's door now.
SELECT d.device_id FROM device_assignments a
JOIN devices d ON d.device_id = a.device_id AND d.revoked_at IS NULL AND d.kind = 'camera'
WHERE a.household_id = %(household_id)s AND a.valid_from <= %(now)s::timestamptz
  AND a.valid_to > %(now)s::timestamptz
ORDER BY d.device_id

-- name: guardians
-- Whom to call for a home: those the residents named, then family among the responders.
SELECT name, relation, phone FROM guardians
WHERE household_id = %(household_id)s AND removed_at IS NULL
ORDER BY added_at

-- name: door_day
-- What happened at the door since then, newest first.
SELECT at, type, device_id FROM events
WHERE household_id = %(household_id)s AND at >= %(since)s
  AND split_part(type, '.', 1) IN ('door', 'bell', 'loiter', 'sos', 'duress', 'tamper')
  AND type <> 'loiter.updated'
ORDER BY at DESC LIMIT 60

-- name: stations
-- Whom an operator may send by name, and where they set out from.
SELECT responder_id, name, kind, lat, lon FROM responders
WHERE removed_at IS NULL AND kind <> 'engineer' AND responder_id <> 'synthetic'
ORDER BY responder_id

-- name: parked
SELECT p.incident_id, p.parked_by, p.until, p.why
FROM parked_incidents p JOIN incidents i USING (incident_id)
WHERE i.closed_at IS NULL AND p.until > %(now)s

-- name: park
INSERT INTO parked_incidents (incident_id, parked_by, parked_at, until, why)
VALUES (%(incident_id)s, %(actor)s, %(now)s, %(until)s, %(why)s)
ON CONFLICT (incident_id) DO UPDATE
SET parked_by = excluded.parked_by, parked_at = excluded.parked_at, until = excluded.until,
    why = excluded.why

-- name: unpark
DELETE FROM parked_incidents WHERE incident_id = %(incident_id)s

-- name: steps_done
SELECT s.incident_id, s.step, s.done_by, s.done_at
FROM script_steps s JOIN incidents i USING (incident_id)
WHERE i.closed_at IS NULL ORDER BY s.incident_id, s.done_at

-- name: do_step
INSERT INTO script_steps (incident_id, step, done_by, done_at)
VALUES (%(incident_id)s, %(step)s, %(actor)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: undo_step
DELETE FROM script_steps WHERE incident_id = %(incident_id)s AND step = %(step)s

-- name: last_shift_notes
SELECT note_id, written_by, written_at, text FROM shift_notes ORDER BY note_id DESC LIMIT %(limit)s

-- name: write_shift_note
INSERT INTO shift_notes (written_by, written_at, text) VALUES (%(actor)s, %(now)s, %(text)s)

-- name: wake_boards
SELECT pg_notify('incidents', '')
