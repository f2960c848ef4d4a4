-- name: homes_of
-- The homes somebody lives in or looks after.
SELECT household_id, name FROM households
WHERE household_id = ANY(%(households)s) AND removed_at IS NULL ORDER BY name, household_id

-- name: standing
-- How homes stand now, as their people may see it: what was cancelled under duress looks cancelled,
-- and nothing that came after it is told (alerts.cancelling).
SELECT h.household_id,
       CASE WHEN h.mode_until <= %(now)s::timestamptz THEN 'home' ELSE h.mode END AS mode,
       CASE WHEN h.mode_until <= %(now)s::timestamptz THEN NULL ELSE h.mode_until END AS mode_until,
       (SELECT max(last_heard_at) FROM device_assignments a JOIN device_state s USING (device_id)
        WHERE a.household_id = h.household_id AND a.valid_to > %(now)s::timestamptz)
           AS last_heard_at,
       (SELECT coalesce(json_agg(json_build_object(
                   'device_id', d.device_id, 'kind', d.kind, 'online', s.online,
                   'battery_percent', s.battery_percent) ORDER BY d.device_id), '[]')
        FROM device_assignments a
        JOIN devices d ON d.device_id = a.device_id AND d.revoked_at IS NULL
        LEFT JOIN device_state s ON s.device_id = d.device_id
        WHERE a.household_id = h.household_id AND a.valid_from <= %(now)s::timestamptz
          AND a.valid_to > %(now)s::timestamptz) AS devices,
       (SELECT max(at) FROM events e
        WHERE e.household_id = h.household_id AND at >= %(now)s::timestamptz - interval '2 days'
       ) AS last_event_at,
       (SELECT n FROM access_log l WHERE l.household_id = h.household_id
        ORDER BY at DESC, n DESC LIMIT 1) AS last_view,
       i.incident_id, i.kind, i.state, i.opened_at, i.received_at, i.closed_at, i.hidden_since
FROM households h
LEFT JOIN LATERAL (
    SELECT i.incident_id, coalesce(d.was, i.kind) AS kind,
           coalesce(i.shown_state, i.state) AS state, i.opened_at, i.created_at AS received_at,
           CASE WHEN i.shown_state IS NULL THEN i.closed_at ELSE d.at END AS closed_at,
           CASE WHEN i.shown_state IS NOT NULL THEN d.at END AS hidden_since
    FROM incidents i
    LEFT JOIN LATERAL (
        SELECT at, detail->>'was' AS was FROM incident_log
        WHERE incident_id = i.incident_id AND move = 'duress' ORDER BY n LIMIT 1
    ) d ON i.shown_state IS NOT NULL OR i.kind = 'duress'
    WHERE i.household_id = h.household_id AND i.shown_state IS DISTINCT FROM 'hidden'
      AND i.priority < 4
      AND (i.closed_at IS NULL OR i.closed_at > %(now)s::timestamptz - interval '1 hour')
    ORDER BY i.shown_state IS NULL AND i.closed_at IS NULL DESC, i.priority, i.incident_id DESC
    LIMIT 1
) i ON true
WHERE h.household_id = ANY(%(households)s) AND h.removed_at IS NULL

-- name: steps
-- Who accepted, left and arrived, and when, with the seconds from each step to the expected arrival;
-- nothing after a duress that its home must not see.
SELECT l.incident_id, l.move, l.at, r.name AS responder, r.kind AS responder_kind,
       coalesce(extract(epoch FROM e.at - l.at)::double precision + e.eta_s, p.eta_s) AS eta_s
FROM unnest(%(incidents)s::bigint[], %(until)s::timestamptz[]) AS asked (incident_id, until)
JOIN incident_log l ON l.incident_id = asked.incident_id AND l.at <= asked.until
LEFT JOIN pages p ON p.page_id = (l.detail->>'page_id')::bigint
LEFT JOIN responders r ON r.responder_id = p.responder_id
LEFT JOIN eta_estimates e ON e.incident_id = l.incident_id AND e.responder_id = p.responder_id
     AND e.at BETWEEN l.at AND asked.until
WHERE l.move IN ('accept', 'withdraw', 'overdue', 'resend', 'depart', 'arrive')
ORDER BY l.incident_id, l.n

-- name: door_events
-- The door's own events of a span of time, oldest first.
SELECT at, type, data::text AS data FROM events
WHERE household_id = %(household_id)s AND at >= %(since)s::timestamptz
  AND at < %(until)s::timestamptz AND type = ANY(%(types)s::text[])
ORDER BY at, device_id, seq LIMIT 2000
