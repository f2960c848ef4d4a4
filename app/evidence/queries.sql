-- name: cases
-- What was kept of a home's loiterers, newest first.
SELECT at, device_id, data ->> 'case' AS "case", data ->> 'zone' AS zone
FROM events
WHERE household_id = %(household_id)s AND at >= %(since)s::timestamptz AND source = 'detector'
  AND type = 'loiter.started' AND data ->> 'case' IS NOT NULL
ORDER BY at DESC LIMIT %(limit)s::integer
