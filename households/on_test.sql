-- name: lock_home
-- One at a time per home; unlike FOR UPDATE it stops nobody who writes an incident of it.
SELECT household_id FROM households
WHERE household_id = %(household_id)s AND removed_at IS NULL
FOR NO KEY UPDATE

-- name: end
UPDATE homes_on_test SET ended_at = %(now)s, ended_by = %(by)s
WHERE household_id = %(household_id)s AND ended_at IS NULL AND until > %(now)s
RETURNING since

-- name: put
INSERT INTO homes_on_test (household_id, since, put_at, until, put_by, reason)
VALUES (%(household_id)s, coalesce(%(since)s, %(now)s::timestamptz), %(now)s, %(until)s, %(by)s,
        %(reason)s)
RETURNING household_id, since, until, put_by, reason

-- name: of_home
SELECT household_id, since, until, put_by, reason FROM homes_on_test
WHERE household_id = %(household_id)s AND ended_at IS NULL AND until > %(now)s

-- name: all
SELECT household_id, since, until, put_by, reason FROM homes_on_test
WHERE ended_at IS NULL AND until > %(now)s
