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
    CROSS JOIN LATERAL (VALUES
        ('commit', w.created_at), ('acknowledge', l.acknowledged_at), ('page', d.paged_at),
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

-- name: within
-- Of the incidents of these kinds that stood open for so long or came to the step before: how many
-- came to it in time, counted from when we had the alarm. One that nobody ever answered counts.
WITH timed AS (
    SELECT extract(epoch FROM l.at - i.created_at) AS took_s,
           extract(epoch FROM coalesce(l.closed_at, %(now)s::timestamptz) - i.created_at) AS open_s
    FROM incidents i
    CROSS JOIN LATERAL (
        SELECT min(at) FILTER (WHERE move = %(step)s) AS at,
               min(at) FILTER (WHERE move = ANY (%(ends)s::text[])) AS closed_at,
               bool_or(move = 'page') AS paged
        FROM incident_log WHERE incident_id = i.incident_id
    ) l
    WHERE i.created_at >= %(since)s AND i.created_at < %(until)s
      AND i.household_id <> 'synthetic' AND i.kind = ANY (%(kinds)s::text[])
      AND (l.paged OR %(step)s <> 'arrive')  -- nobody was ever sent: nobody could arrive
)
SELECT count(*) AS asked, count(*) FILTER (WHERE took_s <= %(within_s)s) AS kept
FROM timed WHERE took_s IS NOT NULL OR open_s > %(within_s)s

-- name: false_alarms
SELECT CASE WHEN %(by_kind)s THEN i.kind END AS kind,
       CASE WHEN %(by_district)s THEN h.district END AS district,
       CASE WHEN %(by_month)s
            THEN to_char(i.created_at AT TIME ZONE %(timezone)s, 'YYYY-MM') END AS month,
       coalesce(i.false_cause, 'unknown') AS cause,
       count(*) FILTER (WHERE i.state = 'false_alarm') AS n,
       sum(count(*)) OVER (PARTITION BY
           CASE WHEN %(by_kind)s THEN i.kind END,
           CASE WHEN %(by_district)s THEN h.district END,
           CASE WHEN %(by_month)s
                THEN to_char(i.created_at AT TIME ZONE %(timezone)s, 'YYYY-MM') END
       )::bigint AS closed
FROM incidents i JOIN households h USING (household_id)
WHERE i.created_at >= %(since)s AND i.created_at < %(until)s AND i.closed_at IS NOT NULL
  AND i.household_id <> 'synthetic' AND i.kind <> 'test'
GROUP BY 1, 2, 3, 4
