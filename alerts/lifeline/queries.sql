-- name: homes
-- Of a roster: other rooms' tables, read as they stand.
SELECT household_id, name, address, access_note, lat, lon, high_risk, district
FROM households WHERE removed_at IS NULL

-- name: devices
SELECT device_id, household_id FROM device_assignments
WHERE valid_from <= %(now)s AND %(now)s < valid_to

-- name: responders
SELECT responder_id, name, kind, lat, lon, webhook_url, webhook_secret, apprise_url, device_id,
       channels, district, households
FROM responders
WHERE removed_at IS NULL
  AND (webhook_url IS NOT NULL OR apprise_url IS NOT NULL OR device_id IS NOT NULL)
ORDER BY responder_id

-- name: reserve_incidents
SELECT nextval(pg_get_serial_sequence('incidents', 'incident_id')) AS id
FROM generate_series(1, %(n)s)

-- name: reserve_pages
SELECT nextval(pg_get_serial_sequence('pages', 'page_id')) AS id FROM generate_series(1, %(n)s)

-- name: write_page
INSERT INTO pages (page_id, incident_id, responder_id, round, state, distance_m, planned_at,
                   answer_by)
OVERRIDING SYSTEM VALUE
VALUES (%(page_id)s, %(incident_id)s, %(responder_id)s, %(round)s, 'planned', %(distance_m)s,
        %(planned_at)s, %(answer_by)s)
ON CONFLICT DO NOTHING
RETURNING page_id

-- name: last_round
SELECT coalesce(max(round), 0) AS round FROM pages
WHERE incident_id = %(incident_id)s AND responder_id = %(responder_id)s

-- name: write_delivery
-- What was not sent yet is due again at `next_attempt_at`; a result that came later wins.
INSERT INTO deliveries (page_id, channel, message, state, attempts, next_attempt_at, sent_at,
                        last_error)
VALUES (%(page_id)s, %(channel)s, %(message)s, %(state)s, %(attempts)s, %(next_attempt_at)s,
        %(sent_at)s, %(error)s)
ON CONFLICT (page_id, channel, message) DO UPDATE
SET state = excluded.state, attempts = greatest(deliveries.attempts, excluded.attempts),
    sent_at = excluded.sent_at, last_error = excluded.last_error
WHERE deliveries.state = 'queued' AND excluded.state <> 'queued'
RETURNING state

-- name: page_was_sent
UPDATE pages SET sent_at = %(sent_at)s, state = 'sent'
WHERE page_id = %(page_id)s AND state = 'planned'

-- name: planned_pages
SELECT page_id, state, answer_by FROM pages
WHERE incident_id = %(incident_id)s AND state IN ('planned', 'sent')
ORDER BY page_id
