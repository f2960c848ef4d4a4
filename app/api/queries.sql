-- name: limit_time
-- `SET LOCAL`, as a function that takes a parameter
SELECT set_config('statement_timeout', %(limit)s, true)

-- name: home
-- A home that exists, with its most urgent open incident.
SELECT h.household_id, h.district,
       (SELECT incident_id FROM incidents i
        WHERE i.household_id = h.household_id AND closed_at IS NULL
        ORDER BY priority, opened_at LIMIT 1) AS open_incident
FROM households h WHERE household_id = %(household_id)s AND removed_at IS NULL

-- name: home_of_incident
SELECT h.household_id, h.district,
       CASE WHEN i.closed_at IS NULL OR i.closed_at >= %(closed_since)s
            THEN i.incident_id END AS open_incident
FROM incidents i JOIN households h USING (household_id)
WHERE i.incident_id = %(incident_id)s

-- name: incident_state
-- As its home may see it.
SELECT coalesce(shown_state, state) AS state FROM incidents WHERE incident_id = %(incident_id)s

-- name: incidents
-- As the home may see them: what was cancelled under duress looks cancelled (alerts.cancelling).
SELECT i.incident_id, coalesce(d.was, i.kind) AS kind, coalesce(i.shown_state, i.state) AS state,
       i.opened_at, CASE WHEN i.shown_state IS NULL THEN i.closed_at ELSE d.at END AS closed_at
FROM incidents i
LEFT JOIN LATERAL (
    SELECT at, detail->>'was' AS was FROM incident_log
    WHERE incident_id = i.incident_id AND move = 'duress' ORDER BY n LIMIT 1
) d ON i.shown_state IS NOT NULL OR i.kind = 'duress'
WHERE i.household_id = %(household_id)s AND i.shown_state IS DISTINCT FROM 'hidden'
ORDER BY i.incident_id DESC LIMIT %(limit)s::integer

-- name: events
-- Row comparison keeps the range on `at` in the index; ties are sorted within one instant only.
SELECT at, type, device_id, seq, source, received_at, reported_at, clock_off, data::text AS data
FROM events
WHERE household_id = %(household_id)s
  AND at >= COALESCE(%(from_at)s::timestamptz, '-infinity')
  AND at < COALESCE(%(to_at)s::timestamptz, 'infinity')
  AND (at, device_id, seq, source)
      < (COALESCE(%(cursor_at)s::timestamptz, 'infinity'), COALESCE(%(cursor_device)s::text, ''),
         COALESCE(%(cursor_seq)s::bigint, 0), COALESCE(%(cursor_source)s::text, ''))
  AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s::text[]))
ORDER BY at DESC, device_id DESC, seq DESC, source DESC
LIMIT %(limit)s::integer

-- name: devices
-- What serves the home now.
SELECT d.device_id, d.kind, d.behind, s.online, s.last_heard_at, s.battery_percent, s.fw
FROM device_assignments a
JOIN devices d USING (device_id)
LEFT JOIN device_state s USING (device_id)
WHERE a.household_id = %(household_id)s AND a.valid_from <= %(now)s::timestamptz
  AND a.valid_to > %(now)s::timestamptz AND d.revoked_at IS NULL
ORDER BY d.device_id

-- name: evidence
-- Newest first along the index, no further back than asked and never more than 20 000 findings;
-- JSON is parsed only where the digest stands in the text.
SELECT e.item ->> 'key' AS key
FROM (
    SELECT at, data FROM events
    WHERE household_id = %(household_id)s AND at >= %(since)s::timestamptz AND source = 'detector'
      AND split_part(type, '.', 1) IN ('loiter', 'camera', 'motion')
    ORDER BY at DESC LIMIT 20000
) found,
LATERAL (SELECT json_array_elements(
    CASE WHEN strpos(data::text, %(sha256)s) > 0 AND json_typeof(data -> 'evidence') = 'array'
         THEN data -> 'evidence' ELSE '[]' END
) AS item) e
WHERE e.item ->> 'sha256' = %(sha256)s
ORDER BY at DESC LIMIT 1

-- name: case
-- Newest first along the index, as for evidence; the case stands in the finding that made it.
SELECT 1 AS found
FROM (
    SELECT at, device_id, data FROM events
    WHERE household_id = %(household_id)s AND at >= %(since)s::timestamptz AND source = 'detector'
      AND type = 'loiter.started'
    ORDER BY at DESC LIMIT 20000
) found
WHERE device_id = %(device_id)s
  AND CASE WHEN strpos(data::text, %(case)s) > 0 THEN data ->> 'case' = %(case)s END
LIMIT 1

-- name: views
-- Without who was refused, and without those that would tell of an incident which its home must
-- not see at present.
SELECT at, actor, action, detail FROM access_log
WHERE household_id = %(household_id)s AND action <> 'refused' AND NOT EXISTS (
    SELECT FROM incidents i
    WHERE i.household_id = %(household_id)s AND i.shown_state IS NOT NULL AND i.closed_at IS NULL
      AND i.incident_id = (access_log.detail->>'incident_id')::bigint)
ORDER BY at DESC, n DESC LIMIT %(limit)s::integer
