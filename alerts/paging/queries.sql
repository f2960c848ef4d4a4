-- name: claim
-- What is due, most urgent first; another process' rows are skipped, not waited for. A message to
-- stand down never overtakes the page it follows.
SELECT d.delivery_id, d.page_id, d.channel, d.message, d.revision, d.attempts + 1 AS attempt,
       p.distance_m, p.answer_by,
       r.responder_id, r.name AS responder_name, r.webhook_url, r.webhook_secret, r.apprise_url,
       r.device_id,
       i.incident_id, i.kind, i.priority, i.opened_at,
       h.name AS household_name, h.address, h.access_note, h.lat, h.lon
FROM deliveries d
JOIN pages p USING (page_id)
JOIN responders r USING (responder_id)
JOIN incidents i USING (incident_id)
JOIN households h USING (household_id)
WHERE d.state = 'queued' AND d.next_attempt_at <= %(now)s
  AND (d.message = 'stand_down'
       OR (i.closed_at IS NULL AND (
           (d.message = 'page' AND p.state IN ('planned', 'sent', 'unanswered'))
           OR (d.message = 'update' AND p.state IN ('accepted', 'arrived')))))
  AND (d.message = 'page' OR NOT EXISTS (
      SELECT FROM deliveries page
      WHERE page.page_id = d.page_id AND page.channel = d.channel
        AND page.message = 'page' AND page.state = 'queued'))
  AND r.removed_at IS NULL
  AND d.delivery_id <> ALL (%(held)s::bigint[])
  AND ((i.priority = 1 AND d.message = 'page')
       OR r.responder_id || ' ' || d.channel <> ALL (%(busy)s::text[]))
  AND (%(life_safety_only)s::boolean IS NOT TRUE OR (i.priority = 1 AND d.message = 'page'))
ORDER BY d.message, i.priority, d.next_attempt_at, d.delivery_id
LIMIT %(limit)s
FOR UPDATE OF d SKIP LOCKED

-- name: lease
UPDATE deliveries
SET attempts = attempts + 1, next_attempt_at = %(until)s, claimed_by = %(claimer)s
WHERE delivery_id = ANY (%(ids)s::bigint[])

-- name: lease_may_be_lost
-- A page does not wait for the disk once more: a database that dies before the lease is on it, and so
-- before the result is, has the message due, and it is sent again under the same key.
SET LOCAL synchronous_commit = off

-- name: hold_claims
-- For as long as this connection lives, what is claimed under the number is somebody's.
SELECT pg_advisory_lock(%(kind)s, %(claimer)s)

-- name: release_claims
-- Of processes that are gone: their connection has ended, and its lock with it.
UPDATE deliveries
SET next_attempt_at = least(next_attempt_at, %(now)s), claimed_by = NULL, last_error = %(unknown)s
WHERE delivery_id IN (
    SELECT delivery_id FROM deliveries
    WHERE state = 'queued' AND claimed_by IS NOT NULL
      AND claimed_by NOT IN (
          SELECT objid::bigint FROM pg_locks
          WHERE locktype = 'advisory' AND classid = %(kind)s AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    FOR UPDATE SKIP LOCKED)

-- name: drop_unwanted
-- Pages nobody waits for any more: the incident is over, somebody else accepted, it was declined.
-- And whatever is for a responder who was removed: there is no key to sign it with.
-- One that is being sent right now is not due, and goes its way. One whose sender never said what
-- came of it may have arrived, and says so.
UPDATE deliveries
SET state = 'dropped',
    last_error = CASE WHEN claimed_by IS NULL THEN last_error ELSE %(unknown)s END
WHERE delivery_id IN (
    SELECT d.delivery_id
    FROM deliveries d JOIN pages p USING (page_id) JOIN incidents i USING (incident_id)
        JOIN responders r USING (responder_id)
    WHERE d.state = 'queued' AND d.next_attempt_at <= %(now)s
      AND (r.removed_at IS NOT NULL
           OR (d.message = 'page' AND (
               i.closed_at IS NOT NULL OR p.state NOT IN ('planned', 'sent', 'unanswered')))
           OR (d.message = 'update' AND (
               i.closed_at IS NOT NULL OR p.state NOT IN ('accepted', 'arrived'))))
    FOR UPDATE OF d SKIP LOCKED)

-- name: record_sent
UPDATE deliveries
SET state = CASE WHEN %(delivered)s THEN 'delivered' ELSE 'sent' END, sent_at = %(now)s,
    delivered_at = CASE WHEN %(delivered)s THEN %(now)s::timestamptz END, last_error = ''
WHERE delivery_id = %(delivery_id)s AND state NOT IN ('sent', 'delivered', 'answered')
RETURNING delivery_id

-- name: record_retry
-- What may have gone out once stays so, whatever becomes of later attempts.
UPDATE deliveries
SET next_attempt_at = %(next_attempt_at)s, claimed_by = NULL,
    last_error = CASE
        WHEN starts_with(last_error, %(unknown)s) THEN %(unknown)s || '; then: ' || %(error)s
        ELSE %(error)s END
WHERE delivery_id = %(delivery_id)s AND state = 'queued'

-- name: record_failed
UPDATE deliveries
SET state = 'failed',
    last_error = CASE
        WHEN starts_with(last_error, %(unknown)s) THEN %(unknown)s || '; then: ' || %(error)s
        ELSE %(error)s END
WHERE delivery_id = %(delivery_id)s AND state = 'queued'
RETURNING delivery_id

-- name: page_sent
UPDATE pages
SET sent_at = coalesce(sent_at, %(now)s),
    state = CASE WHEN state = 'planned' THEN 'sent' ELSE state END
WHERE page_id = %(page_id)s

-- name: page_beyond_reach
-- Every channel gave up before the responder answered.
UPDATE pages p SET state = 'failed'
WHERE p.page_id = %(page_id)s AND p.state = 'planned'
  AND NOT EXISTS (
      SELECT FROM deliveries
      WHERE page_id = p.page_id AND message = 'page'
        AND state IN ('queued', 'sent', 'delivered', 'answered'))
RETURNING p.planned_at, p.responder_id

-- name: end_page_timer
UPDATE timers SET done_at = %(now)s WHERE page_id = %(page_id)s AND done_at IS NULL

-- name: carrier
SELECT r.device_id FROM pages p JOIN responders r USING (responder_id)
WHERE p.page_id = %(page_id)s AND r.removed_at IS NULL
