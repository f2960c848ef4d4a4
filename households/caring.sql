-- name: set_rule
INSERT INTO care_rules (household_id, silent_after_h, waking_from, waking_to, since, look_at)
SELECT household_id, %(silent_after_h)s, %(waking_from)s, %(waking_to)s, %(now)s, %(now)s
FROM households WHERE household_id = %(household_id)s AND removed_at IS NULL
ON CONFLICT (household_id) DO UPDATE
SET silent_after_h = excluded.silent_after_h, waking_from = excluded.waking_from,
    waking_to = excluded.waking_to, look_at = excluded.look_at
RETURNING household_id

-- name: end_rule
DELETE FROM care_rules WHERE household_id = %(household_id)s RETURNING raised_at

-- name: rule
SELECT silent_after_h, waking_from, waking_to FROM care_rules
WHERE household_id = %(household_id)s

-- name: due
-- Homes that may have been silent for so long, with their mode, their last sign since the rule
-- holds, and whether anything at the door can be heard at all.
SELECT c.household_id, c.silent_after_h, c.waking_from, c.waking_to, c.since, c.raised_at,
       h.mode, h.mode_since, h.mode_until,
       (SELECT max(e.at) FROM events e
        WHERE e.household_id = c.household_id AND e.at >= c.since AND e.at <= %(now)s
            AND e.type = ANY (%(signs)s)) AS sign_at,
       EXISTS (
           SELECT FROM device_assignments a
           JOIN devices d ON d.device_id = a.device_id AND d.kind = 'camera'
               AND d.revoked_at IS NULL
           WHERE a.household_id = c.household_id AND a.valid_to = 'infinity'
               AND NOT EXISTS (SELECT FROM device_silences s WHERE s.device_id = d.device_id)
       ) AS audible
FROM care_rules c JOIN households h USING (household_id)
WHERE c.look_at <= %(now)s AND h.removed_at IS NULL
ORDER BY c.look_at LIMIT %(limit)s
FOR UPDATE OF c SKIP LOCKED

-- name: looked
UPDATE care_rules SET look_at = %(look_at)s, raised_at = %(raised_at)s
WHERE household_id = %(household_id)s
