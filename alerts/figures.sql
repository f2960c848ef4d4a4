-- name: steps
-- Seconds from the press to each step of an incident's life, first time of each, by what was asked.
WITH wanted AS (
    SELECT i.incident_id, i.opened_at, i.created_at,
           CASE WHEN %(by_kind)s THEN i.kind END AS kind,
           CASE WHEN %(by_district)s THEN h.district END AS district,
           CASE WHEN %(by_month)s
                THEN to_char(i.created_at AT TIME ZONE %(timezone)s, 'YYYY-MM') END AS month
    FROM incidents i JOIN households h USING (household_id)
    WHERE i.created_at >= %(since)s AND i.created_at < %(until)s
      AND i.household_id <> 'synthetic' AND i.kind <> 'test'
      AND %(district)s IN ('', h.district)
), reached AS (
    SELECT w.kind, w.district, w.month, s.step,
           greatest(extract(epoch FROM s.at - w.opened_at), 0)::float8 AS took_s
    FROM wanted w
    LEFT JOIN LATERAL (
        SELECT min(at) FILTER (WHERE move = 'acknowledge') AS acknowledged_at,
               min(at) FILTER (WHERE move = 'accept') AS accepted_at,
               min(at) FILTER (WHERE move = 'arrive') AS arrived_at,
               min(at) FILTER (WHERE move = ANY (%(ends)s::text[])) AS closed_at
        FROM incident_log WHERE incident_id = w.incident_id
    ) l ON true
    LEFT JOIN LATERAL (
        SELECT min(d.sent_at) AS paged_at
        FROM pages p JOIN deliveries d USING (page_id)
        WHERE p.incident_id = w.incident_id AND d.message = 'page'
    ) d ON true
    LEFT JOIN incident_screens sc ON sc.incident_id = w.incident_id
    CROSS JOIN LATERAL (VALUES
        ('commit', w.created_at), ('screen', sc.shown_at), ('acknowledge', l.acknowledged_at), ('page', d.paged_at),
        ('accept', l.accepted_at), ('arrive', l.arrived_at), ('close', l.closed_at)
    ) s (step, at)
    WHERE s.at IS NOT NULL
)
SELECT kind, district, month, step, count(*) AS n,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY took_s) AS p50_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY took_s) AS p90_s,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY took_s) AS p99_s,
       max(took_s) AS max_s
FROM reached
GROUP BY kind, district, month, step
ORDER BY kind, district, month, step

-- name: kept
-- Of each norm's incidents, those that came to its step or stood open for longer than it allows; and
-- how many came in time, counted from when we had the alarm. One that nobody ever answered counts.
WITH timed AS (
    SELECT i.kind, l.paged,
           extract(epoch FROM l.acknowledged_at - i.created_at) AS acknowledge_s,
           extract(epoch FROM l.arrived_at - i.created_at) AS arrive_s,
           extract(epoch FROM coalesce(l.closed_at, %(now)s::timestamptz) - i.created_at) AS open_s
    FROM incidents i JOIN households h USING (household_id)
    CROSS JOIN LATERAL (
        SELECT min(at) FILTER (WHERE move = 'acknowledge') AS acknowledged_at,
               min(at) FILTER (WHERE move = 'arrive') AS arrived_at,
               min(at) FILTER (WHERE move = ANY (%(ends)s::text[])) AS closed_at,
               bool_or(move = 'page') AS paged
        FROM incident_log WHERE incident_id = i.incident_id
    ) l
    WHERE i.created_at >= %(since)s AND i.created_at < %(until)s
      AND i.household_id <> 'synthetic' AND i.kind <> 'test'
      AND %(district)s IN ('', h.district)
)
SELECT n.number, count(t.kind) AS n, count(*) FILTER (WHERE t.took_s <= n.within_s) AS kept
FROM jsonb_to_recordset(%(norms)s) AS n (number int, step text, kinds jsonb, within_s int)
LEFT JOIN LATERAL (
    SELECT timed.kind, s.took_s
    FROM timed
    CROSS JOIN LATERAL (
        SELECT CASE n.step WHEN 'arrive' THEN arrive_s ELSE acknowledge_s END AS took_s
    ) s
    WHERE n.kinds ? timed.kind
      AND (s.took_s IS NOT NULL OR open_s > n.within_s)
      AND (paged OR n.step <> 'arrive')  -- nobody was ever sent: nobody could arrive
) t ON true
GROUP BY n.number
ORDER BY n.number

-- name: false_alarms
WITH closed AS (
    SELECT CASE WHEN %(by_kind)s THEN i.kind END AS kind,
           CASE WHEN %(by_district)s THEN h.district END AS district,
           CASE WHEN %(by_month)s
                THEN to_char(i.created_at AT TIME ZONE %(timezone)s, 'YYYY-MM') END AS month,
           i.state, coalesce(i.false_cause, 'unknown') AS cause
    FROM incidents i JOIN households h USING (household_id)
    WHERE i.created_at >= %(since)s AND i.created_at < %(until)s AND i.closed_at IS NOT NULL
      AND i.household_id <> 'synthetic' AND i.kind <> 'test'
      AND %(district)s IN ('', h.district)
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY kind, district, month) AS closed FROM closed
)
SELECT kind, district, month, cause, count(*) AS n, closed
FROM counted WHERE state = 'false_alarm'
GROUP BY kind, district, month, cause, closed
ORDER BY kind, district, month, cause

-- name: note_shown
INSERT INTO incident_screens (incident_id, shown_at)
SELECT incident_id, %(at)s FROM incidents WHERE incident_id = ANY (%(ids)s::bigint[])
ON CONFLICT (incident_id) DO NOTHING
