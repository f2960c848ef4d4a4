-- name: lock_home
-- One event at a time per home, so that a redelivered one always sees the first.
SELECT pg_advisory_xact_lock(x'686f6d65'::int, hashtext(%(household_id)s))

-- name: lock_incident
SELECT incident_id, household_id, kind, priority, state, opened_at, acknowledged_at,
       acknowledged_by, closed_by, version, level, level_reasons, level_set, level_set_on
FROM incidents WHERE incident_id = %(incident_id)s FOR UPDATE

-- name: lock_open_incident
SELECT incident_id, household_id, kind, priority, state, opened_at, acknowledged_at,
       acknowledged_by, closed_by, version, level, level_reasons, level_set, level_set_on
FROM incidents
WHERE household_id = %(household_id)s AND kind = %(kind)s AND closed_at IS NULL
FOR UPDATE

-- name: open_incident
-- Under the id that was reserved for it, else under the next.
INSERT INTO incidents (incident_id, household_id, kind, priority, state, opened_at, created_at)
OVERRIDING SYSTEM VALUE
VALUES (coalesce(%(incident_id)s::bigint,
                 nextval(pg_get_serial_sequence('incidents', 'incident_id'))),
        %(household_id)s, %(kind)s, %(priority)s, %(state)s, %(opened_at)s, %(now)s)
ON CONFLICT (household_id, kind) WHERE closed_at IS NULL DO NOTHING
RETURNING incident_id, household_id, kind, priority, state, opened_at, acknowledged_at,
          acknowledged_by, closed_by, version, level, level_reasons, level_set, level_set_on

-- name: update_incident
UPDATE incidents
SET state = %(state)s, version = %(version)s, priority = %(priority)s, kind = %(kind)s,
    level = %(level)s, level_reasons = %(level_reasons)s::text[], level_set = %(level_set)s,
    level_set_on = %(level_set_on)s,
    level_set_why = CASE WHEN %(assess)s THEN %(note)s ELSE level_set_why END,
    acknowledged_at = %(acknowledged_at)s, acknowledged_by = %(acknowledged_by)s,
    arrived_at = coalesce(arrived_at, %(arrived_at)s),
    closed_at = CASE WHEN NOT %(reopen)s THEN coalesce(closed_at, %(closed_at)s) END,
    closed_by = CASE WHEN NOT %(reopen)s THEN coalesce(closed_by, %(closed_by)s) END,
    false_cause = CASE WHEN NOT %(reopen)s THEN coalesce(false_cause, %(false_cause)s) END,
    duplicate_of = CASE WHEN NOT %(reopen)s
                        THEN coalesce(duplicate_of, %(duplicate_of)s::bigint) END,
    shown_state = CASE WHEN NOT %(reopen)s THEN shown_state END,
    closing_note = CASE WHEN closed_at IS NULL AND NOT %(assess)s THEN %(note)s
                        ELSE closing_note END
WHERE incident_id = %(incident_id)s

-- name: shown
SELECT shown_state FROM incidents WHERE incident_id = %(incident_id)s

-- name: show
UPDATE incidents SET shown_state = %(state)s WHERE incident_id = %(incident_id)s

-- name: count_moves
SELECT count(*) AS n FROM incident_log WHERE incident_id = %(incident_id)s AND move = %(move)s

-- name: home_of_incident
SELECT household_id FROM incidents WHERE incident_id = %(incident_id)s

-- name: disposition
SELECT household_id, duplicate_of FROM incidents WHERE incident_id = %(incident_id)s

-- name: set_code_word
INSERT INTO code_words (household_id, meaning, argon2, set_at)
VALUES (%(household_id)s, %(meaning)s, %(argon2)s, %(now)s)
ON CONFLICT (household_id, meaning) DO UPDATE SET argon2 = excluded.argon2, set_at = excluded.set_at

-- name: code_words
SELECT meaning, argon2 FROM code_words WHERE household_id = %(household_id)s

-- name: digest_of_line
SELECT digest FROM incident_log WHERE incident_id = %(incident_id)s AND n = %(n)s

-- name: incident_of_event
SELECT incident_id FROM incident_events
WHERE device_id = %(device_id)s AND seq = %(seq)s AND source = %(source)s
  AND household_id = %(household_id)s AND at = %(at)s
LIMIT 1

-- name: add_incident_event
INSERT INTO incident_events (incident_id, household_id, at, device_id, seq, source, type, data)
VALUES (%(incident_id)s, %(household_id)s, %(at)s, %(device_id)s, %(seq)s, %(source)s, %(type)s,
        %(data)s::json)

-- name: events_in_log
-- In order of arrival.
SELECT detail->>'type' AS type, detail->>'device' AS device_id, (detail->>'seq')::bigint AS seq
FROM incident_log
WHERE incident_id = %(incident_id)s AND detail->>'seq' IS NOT NULL
ORDER BY n

-- name: open_at_home
-- With how often each type of event stands in it.
SELECT i.kind, i.incident_id, i.priority, i.state, i.acknowledged_by, i.created_at,
       coalesce((SELECT json_object_agg(type, n) FROM (
           SELECT type, count(*) AS n FROM incident_events
           WHERE incident_id = i.incident_id GROUP BY type) counted), '{}') AS findings
FROM incidents i
WHERE i.household_id = %(household_id)s AND i.closed_at IS NULL

-- name: lately_at_home
-- Each alarm of the home near that time, once per type and minute: more make no difference.
SELECT DISTINCT type, date_trunc('minute', at) AS at FROM incident_events
WHERE household_id = %(household_id)s
  AND at BETWEEN %(since)s::timestamptz AND %(until)s::timestamptz

-- name: informed_meanwhile
-- Within a moment around the opening; what is in an incident's log was weighed.
SELECT e.household_id, e.at, e.device_id, e.seq, e.source, e.type, e.received_at,
       e.data::text AS data
FROM events e JOIN incidents i ON i.incident_id = %(incident_id)s
WHERE e.household_id = %(household_id)s AND e.type = ANY (%(types)s)
  AND e.at > i.created_at - interval '1 hour' AND e.at < i.created_at + interval '2 hours'
  AND e.received_at BETWEEN i.created_at - interval '1 second' AND i.created_at + %(settled)s
  AND NOT EXISTS (
      SELECT FROM incident_events n
      WHERE n.device_id = e.device_id AND n.seq = e.seq AND n.source = e.source AND n.at = e.at)
ORDER BY e.received_at, e.at, e.seq

-- name: on_test_at
-- Whether somebody worked at the home when it happened, and who said so last before.
SELECT put_by, until, reason FROM homes_on_test
WHERE household_id = %(household_id)s AND put_at <= %(at)s
  AND %(at)s < least(until, coalesce(ended_at, until))
ORDER BY put_at DESC LIMIT 1

-- name: at_high_risk
SELECT high_risk FROM households WHERE household_id = %(household_id)s

-- name: lives_there
SELECT 1 AS found FROM user_households h JOIN users u USING (user_id)
WHERE h.household_id = %(household_id)s AND u.user_id = %(user)s::text
  AND u.role = 'resident' AND u.removed_at IS NULL

-- name: home
SELECT lat, lon, district FROM households WHERE household_id = %(household_id)s

-- name: reachable_responders
-- In a fixed order, so that equals are always asked in the same one.
SELECT responder_id, name, kind, lat, lon, district, households, skills, webhook_url, apprise_url,
       device_id, channels
FROM responders
WHERE removed_at IS NULL
  AND (webhook_url IS NOT NULL OR apprise_url IS NOT NULL OR device_id IS NOT NULL
       OR responder_id = 'synthetic')
ORDER BY responder_id

-- name: estimates
SELECT responder_id, eta_s AS travel_s, eta_by AS by, at FROM eta_estimates
WHERE incident_id = %(incident_id)s AND at > %(since)s

-- name: load
-- What responders do for other incidents.
SELECT p.responder_id,
       count(*) FILTER (WHERE p.state IN ('accepted', 'arrived')) AS on_jobs,
       count(*) FILTER (WHERE p.state IN ('planned', 'sent')) AS asked
FROM incidents i JOIN pages p USING (incident_id)
WHERE i.closed_at IS NULL AND i.incident_id <> %(incident_id)s
  AND p.state IN ('planned', 'sent', 'accepted', 'arrived')
GROUP BY p.responder_id

-- name: pages_of_incident
SELECT page_id, responder_id, round, state FROM pages WHERE incident_id = %(incident_id)s
ORDER BY page_id

-- name: plan_page
WITH page AS (
    INSERT INTO pages (incident_id, responder_id, round, state, distance_m, planned_at, answer_by,
                       eta_s, eta_by)
    VALUES (%(incident_id)s, %(responder_id)s, %(round)s, 'planned', %(distance_m)s, %(now)s,
            %(answer_by)s, %(eta_s)s, %(eta_by)s)
    RETURNING page_id
), queued AS (
    INSERT INTO deliveries (page_id, channel, message, next_attempt_at)
    SELECT page_id, channel, 'page', %(now)s::timestamptz + (n - 1) * %(apart)s::interval
    FROM page, unnest(%(channels)s::text[]) WITH ORDINALITY AS queued (channel, n)
)
SELECT page_id FROM page

-- name: last_paging_line
SELECT move FROM incident_log
WHERE incident_id = %(incident_id)s AND move IN ('page', 'nobody')
ORDER BY n DESC LIMIT 1

-- name: stand_down
-- By the latest page of each responder and channel that may have arrived: claimed at least once.
INSERT INTO deliveries (page_id, channel, message, next_attempt_at)
SELECT DISTINCT ON (p.responder_id, d.channel) p.page_id, d.channel, 'stand_down', %(now)s
FROM pages p JOIN deliveries d ON d.page_id = p.page_id
WHERE p.incident_id = %(incident_id)s AND d.message = 'page' AND d.attempts > 0
  AND d.state IN ('queued', 'sent', 'delivered', 'answered')
  AND p.state NOT IN ('declined', 'stood_down', 'done')
  AND p.state <> ALL (%(spared)s::text[])
  AND p.responder_id IS DISTINCT FROM %(but)s::text
ORDER BY p.responder_id, d.channel, p.page_id DESC
ON CONFLICT (page_id, channel, message) DO NOTHING

-- name: inform
-- By the latest page of each who is on the way or there, and the channels by which it arrived.
INSERT INTO deliveries (page_id, channel, message, next_attempt_at)
SELECT DISTINCT ON (p.responder_id, d.channel) p.page_id, d.channel, 'update', %(now)s
FROM pages p JOIN deliveries d ON d.page_id = p.page_id
WHERE p.incident_id = %(incident_id)s AND d.message = 'page' AND d.attempts > 0
  AND d.state IN ('sent', 'delivered', 'answered') AND p.state IN ('accepted', 'arrived')
ORDER BY p.responder_id, d.channel, p.page_id DESC
ON CONFLICT (page_id, channel, message) DO UPDATE
SET state = 'queued', attempts = 0, next_attempt_at = excluded.next_attempt_at,
    revision = deliveries.revision + 1
RETURNING page_id

-- name: end_pages
UPDATE pages SET state = 'stood_down'
WHERE incident_id = %(incident_id)s
  AND (state IN ('planned', 'sent')
       OR (state = 'unanswered' AND responder_id IS DISTINCT FROM %(but)s::text))

-- name: page_incident
SELECT incident_id FROM pages WHERE page_id = %(page_id)s

-- name: page
SELECT p.page_id, p.incident_id, p.responder_id, r.name AS responder_name, p.round, p.state,
       p.planned_at
FROM pages p JOIN responders r USING (responder_id)
WHERE p.page_id = %(page_id)s

-- name: who_accepted
-- Since somebody was last sent for: not who had come before another alarm, or was given up as late.
SELECT p.page_id, p.responder_id, r.name AS responder_name
FROM pages p JOIN responders r USING (responder_id)
WHERE p.incident_id = %(incident_id)s AND p.state IN ('accepted', 'arrived', 'done')
  AND (SELECT max(n) FROM incident_log
       WHERE incident_id = p.incident_id AND move = 'accept'
         AND detail->>'page_id' = p.page_id::text)
    > (SELECT coalesce(max(n), 0) FROM incident_log
       WHERE incident_id = p.incident_id AND move IN ('overdue', 'resend'))
ORDER BY p.answered_at, p.page_id LIMIT 1

-- name: accepted
-- Who is on the way, and what is known of when they will be there.
SELECT p.page_id, p.responder_id, r.kind, p.answered_at, p.eta_s, i.created_at,
       h.lat, h.lon, e.eta_s AS travel_s, e.at AS routed_at
FROM pages p
JOIN responders r USING (responder_id)
JOIN incidents i USING (incident_id)
JOIN households h USING (household_id)
LEFT JOIN eta_estimates e USING (incident_id, responder_id)
WHERE p.incident_id = %(incident_id)s AND p.state = 'accepted'
ORDER BY p.page_id

-- name: breach_told
SELECT coalesce(max(n) FILTER (WHERE move = 'breach'), 0)
       > coalesce(max(n) FILTER (WHERE move = 'accept'), 0) AS told
FROM incident_log
WHERE incident_id = %(incident_id)s AND move IN ('breach', 'accept')

-- name: last_accepted
SELECT page_id, responder_id, answered_at FROM pages
WHERE incident_id = %(incident_id)s AND state = %(state)s
ORDER BY answered_at DESC, page_id DESC LIMIT 1

-- name: plain_responders
-- Everybody who goes to homes and is not being asked already, with the round of the next page.
SELECT r.responder_id, r.webhook_url, r.apprise_url, r.device_id, r.channels,
       (SELECT coalesce(max(round), 0) + 1 FROM pages WHERE incident_id = %(incident_id)s) AS round
FROM responders r
WHERE r.removed_at IS NULL AND r.kind IN ('crew', 'guard')
  AND NOT EXISTS (
      SELECT FROM roster_changes
      WHERE responder_id = r.responder_id AND withdrawn_at IS NULL
        AND kind IN ('break', 'sick', 'leave') AND start_at <= %(now)s
        AND (end_at IS NULL OR end_at > %(now)s))
  AND r.households = '{}'
  AND (r.webhook_url IS NOT NULL OR r.apprise_url IS NOT NULL OR r.device_id IS NOT NULL)
  AND NOT EXISTS (
      SELECT FROM pages
      WHERE incident_id = %(incident_id)s AND responder_id = r.responder_id
        AND state IN ('planned', 'sent'))
ORDER BY r.responder_id

-- name: set_page_state
UPDATE pages
SET state = %(state)s, answered_at = coalesce(%(answered_at)s::timestamptz, answered_at)
WHERE page_id = %(page_id)s

-- name: answered_by
-- By the channel that the answer names, though it may seem not to have gone out. Where it names
-- none (the responder's own page), and only one carried the page, it was that one.
UPDATE deliveries SET state = 'answered', answered_at = %(now)s
WHERE page_id = %(page_id)s AND message = 'page' AND state NOT IN ('dropped', 'answered')
  AND (channel = %(channel)s
       OR (%(channel)s::text IS NULL AND state IN ('sent', 'delivered')
           AND (SELECT count(*) FROM deliveries
                WHERE page_id = %(page_id)s AND message = 'page'
                  AND state IN ('sent', 'delivered', 'answered')) = 1))

-- name: page_view
SELECT p.page_id, p.responder_id, r.name AS responder_name, p.state AS page_state, p.distance_m,
       p.answer_by, p.answered_at, p.planned_at, p.eta_s, p.sharing_since, i.created_at,
       i.incident_id, i.kind, i.priority, i.state AS incident_state,
       i.opened_at, i.household_id, h.name AS household_name, h.address, h.access_note, h.lat,
       h.lon,
       EXISTS (
           SELECT FROM homes_on_test t
           WHERE t.household_id = i.household_id AND t.put_at <= i.opened_at
             AND i.opened_at < least(t.until, coalesce(t.ended_at, t.until))) AS on_test,
       CASE WHEN i.kind = 'technical' THEN (
           SELECT count(*) FROM incidents o JOIN households oh USING (household_id)
           WHERE o.kind = 'technical' AND o.closed_at IS NULL AND o.incident_id <> i.incident_id
             AND oh.district = h.district AND o.household_id <> 'synthetic'
             AND NOT EXISTS (SELECT FROM pages op WHERE op.incident_id = o.incident_id)
       ) ELSE 0 END AS grouped
FROM pages p
JOIN responders r USING (responder_id)
JOIN incidents i USING (incident_id)
JOIN households h USING (household_id)
WHERE p.page_id = %(page_id)s

-- name: note_finding
INSERT INTO page_findings (page_id, finding, note, found_at)
VALUES (%(page_id)s, %(finding)s, %(note)s, %(now)s)
ON CONFLICT (page_id) DO NOTHING
RETURNING page_id

-- name: keep_photo
INSERT INTO page_photos (page_id, sha256, object_key, size_bytes, taken_at)
VALUES (%(page_id)s, %(sha256)s, %(key)s, %(size_bytes)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: open_pages_of
SELECT p.page_id, p.state, i.kind, i.priority, i.created_at, h.name AS household_name
FROM pages p JOIN incidents i USING (incident_id) JOIN households h USING (household_id)
WHERE p.responder_id = %(responder_id)s AND i.closed_at IS NULL
  AND p.state IN ('planned', 'sent', 'unanswered', 'accepted', 'arrived')
ORDER BY i.priority, p.page_id DESC

-- name: link_version
SELECT link_version, name FROM responders
WHERE responder_id = %(responder_id)s AND removed_at IS NULL

-- name: renew_link
UPDATE responders SET link_version = link_version + 1
WHERE responder_id = %(responder_id)s AND removed_at IS NULL
RETURNING link_version

-- name: data_of_incident
SELECT data FROM incident_events WHERE incident_id = %(incident_id)s ORDER BY at, seq, source

-- name: add_timer
INSERT INTO timers (incident_id, page_id, kind, due_at)
VALUES (%(incident_id)s, %(page_id)s, %(kind)s, %(due_at)s)

-- name: add_step
INSERT INTO timers (incident_id, kind, due_at, step_s)
VALUES (%(incident_id)s, 'step', %(due_at)s, %(step_s)s)

-- name: step_due
SELECT 1 AS found FROM timers
WHERE incident_id = %(incident_id)s AND kind = 'step' AND done_at IS NULL AND due_at <= %(until)s
LIMIT 1

-- name: add_repage
INSERT INTO timers (incident_id, kind, due_at)
SELECT %(incident_id)s::bigint, 'repage', %(due_at)s::timestamptz
WHERE NOT EXISTS (
    SELECT FROM timers
    WHERE incident_id = %(incident_id)s AND kind = 'repage' AND done_at IS NULL
)

-- name: end_timers
UPDATE timers SET done_at = %(now)s
WHERE incident_id = %(incident_id)s AND done_at IS NULL AND kind = ANY (%(kinds)s::text[])

-- name: end_page_timer
UPDATE timers SET done_at = %(now)s WHERE page_id = %(page_id)s AND done_at IS NULL

-- name: incidents_with_due_timers
-- Two processes may run this: each takes what the other has not locked. The incident is locked
-- before its timers, as everywhere, so that no two wait for each other.
SELECT incident_id FROM incidents
WHERE incident_id IN (SELECT incident_id FROM timers WHERE done_at IS NULL AND due_at <= %(now)s)
ORDER BY priority, incident_id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: due_timers
SELECT timer_id, page_id, kind, step_s FROM timers
WHERE incident_id = %(incident_id)s AND done_at IS NULL AND due_at <= %(now)s
ORDER BY due_at, timer_id

-- name: take_timer
UPDATE timers SET done_at = %(now)s WHERE timer_id = %(timer_id)s AND done_at IS NULL
RETURNING timer_id

-- name: postpone_timers
UPDATE timers SET due_at = %(due_at)s
WHERE incident_id = %(incident_id)s AND done_at IS NULL AND due_at < %(due_at)s

-- name: list_responders
SELECT responder_id, name, kind, lat, lon, position_at, district, households, skills,
       channels, device_id, webhook_url, apprise_url
FROM responders WHERE removed_at IS NULL ORDER BY responder_id

-- name: add_responder
INSERT INTO responders (responder_id, name, kind, lat, lon, position_at, webhook_url,
                        webhook_secret, apprise_url, district, households, skills, channels)
VALUES (%(responder_id)s, %(name)s, %(kind)s, %(lat)s, %(lon)s, %(now)s, %(webhook_url)s,
        %(webhook_secret)s, %(apprise_url)s, %(district)s, %(households)s::text[],
        %(skills)s::text[], %(channels)s::text[])
ON CONFLICT (responder_id) DO UPDATE
SET name = excluded.name, kind = excluded.kind, lat = excluded.lat, lon = excluded.lon,
    position_at = excluded.position_at, webhook_url = excluded.webhook_url,
    webhook_secret = excluded.webhook_secret, apprise_url = excluded.apprise_url,
    district = excluded.district, households = excluded.households,
    skills = excluded.skills, channels = excluded.channels, device_id = NULL,
    link_version = responders.link_version + 1, removed_at = NULL
WHERE responders.removed_at IS NOT NULL
RETURNING responder_id

-- name: remove_responder
UPDATE responders SET removed_at = %(now)s, webhook_secret = NULL
WHERE responder_id = %(responder_id)s AND removed_at IS NULL
RETURNING responder_id

-- name: take_device
UPDATE responders SET device_id = NULL WHERE device_id = %(device_id)s

-- name: give_device
UPDATE responders SET device_id = %(device_id)s
WHERE responder_id = %(responder_id)s AND removed_at IS NULL
RETURNING responder_id

-- name: hurry_pages_of_responder
-- A page that a removed responder has not answered is over now. The incidents are locked before
-- their timers, as everywhere.
WITH held AS (
    SELECT incident_id FROM incidents
    WHERE closed_at IS NULL AND incident_id IN (
        SELECT incident_id FROM pages
        WHERE responder_id = %(responder_id)s AND state IN ('planned', 'sent'))
    ORDER BY incident_id
    FOR UPDATE
)
UPDATE timers t SET due_at = %(now)s
FROM held, pages p
WHERE t.incident_id = held.incident_id AND t.page_id = p.page_id
  AND t.kind = 'page_unanswered' AND t.done_at IS NULL AND t.due_at > %(now)s
  AND p.responder_id = %(responder_id)s

-- name: ensure_synthetic
INSERT INTO responders (responder_id, name, kind, lat, lon, position_at)
VALUES ('synthetic', 'Synthetic responder', 'engineer', 0, 0, %(now)s)
ON CONFLICT (responder_id) DO UPDATE SET removed_at = NULL WHERE responders.removed_at IS NOT NULL

-- name: record_check
INSERT INTO synthetic_checks (started_at, acked_ms, paged_ms, board_ms, ok, detail)
VALUES (%(started_at)s, %(acked_ms)s, %(paged_ms)s, %(board_ms)s, %(ok)s, %(detail)s)

-- name: last_check
SELECT started_at, acked_ms, paged_ms, board_ms, ok, detail FROM synthetic_checks
ORDER BY check_id DESC LIMIT 1

-- name: open_test
SELECT incident_id FROM incidents
WHERE household_id = 'synthetic' AND kind = 'test' AND closed_at IS NULL
  AND (%(since)s::timestamptz IS NULL OR EXISTS (
      SELECT FROM pages
      WHERE incident_id = incidents.incident_id AND planned_at >= %(since)s))

-- name: first_page_sent
SELECT min(d.sent_at) AS sent_at FROM deliveries d JOIN pages p USING (page_id)
WHERE p.incident_id = %(incident_id)s AND d.message = 'page'
  AND d.state IN ('sent', 'delivered', 'answered')
  AND (%(since)s::timestamptz IS NULL OR p.planned_at >= %(since)s)

-- name: prune_checks
DELETE FROM synthetic_checks WHERE started_at < %(before)s

-- name: paging_began
SELECT 1 AS began FROM incident_log
WHERE incident_id = %(incident_id)s AND move IN ('page', 'nobody') LIMIT 1
