-- name: account
-- Every (device, seq) that was sent, against the table; what lies before was another run's.
WITH sent AS (
    SELECT device_id, generate_series(first, first + n - 1) AS seq
    FROM unnest(%(devices)s::text[], %(firsts)s::bigint[], %(counts)s::bigint[])
         AS range (device_id, first, n)
    WHERE n > 0
), stored AS (
    SELECT device_id, seq, count(*) AS n
    FROM events
    WHERE device_id = ANY(%(devices)s) AND seq >= %(from)s
    GROUP BY device_id, seq
)
SELECT count(sent.seq) AS sent,
       coalesce(sum(stored.n), 0)::bigint AS rows,
       count(*) FILTER (WHERE stored.n IS NULL) AS lost,
       coalesce(sum(stored.n - 1), 0)::bigint AS doubled,
       count(*) FILTER (WHERE sent.seq IS NULL) AS not_sent
FROM sent FULL JOIN stored USING (device_id, seq)

-- name: out_of_order
-- Rows of a device that an earlier transaction than that of a lower `seq` has written. A
-- transaction's number is given at its first write, and a device's writes follow one another.
-- Alarms are not in it: they overtake what happened before them on purpose (docs/adr/0016).
SELECT count(*) AS n
FROM (
    SELECT e.xmin::text::bigint AS written,
           max(e.xmin::text::bigint) OVER (
               PARTITION BY e.device_id ORDER BY e.seq
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS before
    FROM events e
    WHERE e.device_id = ANY(%(devices)s) AND e.seq >= %(from)s
      AND e.type <> ALL(%(alarms)s)
) AS rows
WHERE written < before

-- name: takeover
SELECT extract(epoch FROM max(first) - %(since)s) AS s
FROM (
    SELECT min(received_at) AS first
    FROM events
    WHERE device_id = ANY(%(devices)s) AND received_at > %(since)s
    GROUP BY device_id
) AS again

-- name: forget_events
DELETE FROM events WHERE device_id = ANY(%(devices)s)

-- name: make_heap
CREATE TABLE bench_heap (LIKE events)

-- name: copy_heap
COPY bench_heap FROM STDIN (FORMAT BINARY)

-- name: copy_out
COPY (SELECT * FROM events WHERE device_id = ANY(%(devices)s) AND seq >= %(first)s)
TO STDOUT (FORMAT BINARY)

-- name: incident_of_press
SELECT i.incident_id, i.opened_at FROM incident_events e JOIN incidents i USING (incident_id)
WHERE e.device_id = %(device_id)s AND e.seq = %(seq)s

-- name: roster_age
-- What the alarms process says of its roster.
SELECT min((figures->>'roster_homes')::bigint) AS homes FROM process_beats
WHERE process IN ('alarms', 'app')

-- name: still_carried
SELECT sum((figures->>'lifeline_carried')::bigint) AS carried
FROM process_beats WHERE process IN ('alarms', 'app') AND beat_at > now() - interval '5 s'

-- name: carried
SELECT count(*) AS incidents, count(DISTINCT household_id) AS homes
FROM incidents WHERE household_id = ANY(%(households)s) AND kind = 'sos'

-- name: page_keys
-- Of each page that was sent to anybody, the key that its message carried. One whose sender was
-- killed in the middle, and that nobody waited for afterwards, is recorded as what may have gone out.
SELECT page_id || '-' || channel || '-' || message AS key
FROM deliveries JOIN pages USING (page_id) JOIN incidents USING (incident_id)
WHERE household_id = ANY(%(households)s) AND message = 'page'
  AND (deliveries.state IN ('sent', 'delivered', 'answered')
       OR (deliveries.state IN ('dropped', 'failed') AND starts_with(deliveries.last_error, %(unknown)s)))

-- name: drilled
-- How far the incidents of these homes are: one each, asked of more than one responder, or
-- accepted by the first (who has a job already is not the nearest any more).
SELECT count(*) AS incidents,
       count(*) FILTER (WHERE asked > 1 OR state = 'accepted') AS escalated,
       coalesce(sum(queued), 0)::bigint AS waiting
FROM (
    SELECT i.incident_id, i.state, count(DISTINCT p.responder_id) AS asked,
           count(*) FILTER (WHERE d.state = 'queued') AS queued
    FROM incidents i
    LEFT JOIN pages p USING (incident_id)
    LEFT JOIN deliveries d USING (page_id)
    WHERE i.household_id = ANY(%(households)s) AND i.kind = 'sos'
    GROUP BY i.incident_id
) AS each

-- name: timers_late
-- Of what fired or should have: one that was ended before its time fired for nobody.
SELECT count(*) AS fired,
       count(*) FILTER (WHERE late_s > %(late)s) AS late,
       coalesce(max(late_s), 0)::float8 AS latest_s
FROM (
    SELECT extract(epoch FROM coalesce(done_at, now()) - due_at) AS late_s
    FROM timers JOIN incidents USING (incident_id)
    WHERE household_id = ANY(%(households)s)
) AS each
WHERE late_s >= 0

-- name: called
-- Of the home somebody called from: its incident, and how often a responder was shown it.
SELECT max(incident_id) AS incident_id, max(state) AS state,
       (SELECT count(*) FROM access_log
        WHERE household_id = %(household_id)s AND action = 'page') AS looks
FROM incidents WHERE household_id = %(household_id)s AND kind = 'sos'
HAVING count(*) = 1

-- name: loiterers
SELECT device_id, at FROM events WHERE type = 'loiter.started' ORDER BY at


-- name: standing_incidents
SELECT incident_id, CASE WHEN acknowledged_at IS NOT NULL THEN acknowledged_by END AS acknowledged_by
FROM incidents WHERE closed_at IS NULL AND household_id <> 'synthetic'
