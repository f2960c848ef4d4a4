-- name: paged_first
-- Of the same district, open: whose first page is young, or whom somebody goes for.
SELECT i.incident_id, min(p.planned_at) AS paged_at,
       EXISTS (SELECT FROM incident_log l WHERE l.incident_id = %(incident_id)s
               AND l.move = 'note' AND l.detail ->> 'grouped_with' IS NOT NULL) AS said
FROM incidents i
JOIN households h USING (household_id)
JOIN pages p USING (incident_id)
WHERE i.kind = 'technical' AND i.closed_at IS NULL AND i.household_id <> 'synthetic'
  AND i.incident_id <> %(incident_id)s
  AND h.district = (SELECT district FROM incidents JOIN households USING (household_id)
                    WHERE incident_id = %(incident_id)s)
GROUP BY i.incident_id
HAVING min(p.planned_at) > %(since)s OR i.state = ANY (%(answered)s::text[])
ORDER BY paged_at LIMIT 1

-- name: wait
INSERT INTO timers (incident_id, kind, due_at)
SELECT %(incident_id)s::bigint, 'repage', %(due_at)s::timestamptz
WHERE NOT EXISTS (
    SELECT FROM timers
    WHERE incident_id = %(incident_id)s AND kind = 'repage' AND done_at IS NULL
)
