-- name: exists
SELECT 1 AS found FROM responders WHERE responder_id = %(responder_id)s AND removed_at IS NULL

-- name: drop_shifts
DELETE FROM roster_shifts WHERE responder_id = %(responder_id)s

-- name: add_shift
INSERT INTO roster_shifts (responder_id, weekdays, start_time, end_time, first_day, last_day)
VALUES (%(responder_id)s, %(weekdays)s::smallint[], %(start)s, %(end)s, %(first_day)s, %(last_day)s)

-- name: shifts
SELECT responder_id, weekdays, start_time, end_time, first_day, last_day
FROM roster_shifts
WHERE last_day IS NULL OR last_day >= %(since)s::date - 2
ORDER BY shift_id

-- name: shifts_of
SELECT weekdays, start_time, end_time, first_day, last_day
FROM roster_shifts WHERE responder_id = %(responder_id)s ORDER BY shift_id

-- name: changes
-- In the order in which they were noted: of two swaps the latest decides.
SELECT change_id, responder_id, kind, start_at, end_at, partner, noted_by
FROM roster_changes
WHERE withdrawn_at IS NULL AND (end_at IS NULL OR end_at > %(since)s)
ORDER BY change_id

-- name: add_change
INSERT INTO roster_changes (responder_id, kind, start_at, end_at, partner, noted_by, noted_at)
VALUES (%(responder_id)s, %(kind)s, %(start)s, %(end)s, %(partner)s, %(noted_by)s, %(now)s)
RETURNING change_id

-- name: withdraw_absences
UPDATE roster_changes SET withdrawn_at = %(now)s
WHERE responder_id = %(responder_id)s AND withdrawn_at IS NULL
  AND kind IN ('break', 'sick', 'leave') AND start_at <= %(now)s
  AND (end_at IS NULL OR end_at > %(now)s)
RETURNING change_id

-- name: people
SELECT responder_id, name, kind, district FROM responders
WHERE removed_at IS NULL AND responder_id <> 'synthetic'
ORDER BY kind, district, responder_id
