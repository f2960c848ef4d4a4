-- name: closed_at
SELECT i.closed_at FROM pages p JOIN incidents i USING (incident_id) WHERE p.page_id = %(page_id)s

-- name: answers
SELECT move, at, detail ->> 'key' AS key FROM incident_log
WHERE incident_id = %(incident_id)s AND move = ANY (%(moves)s)
    AND (detail ->> 'page_id')::bigint = %(page_id)s
ORDER BY n DESC

-- name: home_of_page
SELECT i.household_id FROM pages p JOIN incidents i USING (incident_id)
WHERE p.page_id = %(page_id)s

-- name: refused_lately
SELECT count(*) AS n FROM access_log
WHERE (household_id = %(household_id)s OR (%(household_id)s::text IS NULL AND household_id IS NULL))
    AND at > %(since)s AND action = 'page.refused'
