-- name: plan
INSERT INTO notices (incident_id, contact_id, planned_at, next_attempt_at)
SELECT %(incident_id)s, contact_id, %(now)s, %(now)s FROM home_contacts
WHERE household_id = %(household_id)s AND removed_at IS NULL
ON CONFLICT (incident_id, contact_id) DO NOTHING
RETURNING notice_id

-- name: claim
-- What is due; another process' rows are skipped. The lease moves the next attempt ahead.
UPDATE notices n
SET attempts = n.attempts + 1, next_attempt_at = %(until)s
FROM home_contacts c, incidents i, households h
WHERE n.notice_id IN (
        SELECT notice_id FROM notices
        WHERE state = 'queued' AND next_attempt_at <= %(now)s
        ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
  AND c.contact_id = n.contact_id AND i.incident_id = n.incident_id
  AND h.household_id = i.household_id
RETURNING n.notice_id, n.attempts, c.name, c.webhook_url, c.webhook_secret, c.apprise_url,
          c.removed_at, i.incident_id, i.kind, i.priority, i.opened_at, h.name AS household_name,
          h.address, h.lat, h.lon

-- name: record
UPDATE notices
SET state = %(state)s, last_error = %(error)s,
    sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END,
    next_attempt_at = coalesce(%(again_at)s::timestamptz, next_attempt_at)
WHERE notice_id = %(notice_id)s AND state = 'queued'
