-- name: fixes
-- The newest of each: shared from a page, or of the pager that ingest hears; never older than an hour.
SELECT DISTINCT ON (responder_id) responder_id, lat, lon, accuracy_m, at
FROM (
    SELECT responder_id, lat, lon, accuracy_m, at FROM responder_positions
    UNION ALL
    SELECT r.responder_id, d.lat, d.lon, d.accuracy_m, d.at
    FROM device_positions d JOIN responders r USING (device_id)
    WHERE r.removed_at IS NULL
) seen
WHERE at > %(since)s AND at <= %(until)s
ORDER BY responder_id, at DESC

-- name: share
UPDATE pages SET sharing_since = %(now)s
WHERE page_id = %(page_id)s AND sharing_since IS NULL
RETURNING page_id

-- name: unshare
UPDATE pages SET sharing_since = NULL WHERE page_id = %(page_id)s AND sharing_since IS NOT NULL

-- name: note
-- Only while the page is shared by its responder, who is on the job.
INSERT INTO responder_positions (responder_id, lat, lon, accuracy_m, at, page_id)
SELECT p.responder_id, %(lat)s, %(lon)s, %(accuracy_m)s, %(at)s::timestamptz, p.page_id
FROM pages p JOIN incidents i USING (incident_id)
WHERE p.page_id = %(page_id)s AND p.sharing_since IS NOT NULL
  AND p.state IN ('accepted', 'arrived') AND i.closed_at IS NULL
ON CONFLICT (responder_id) DO UPDATE
SET lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m, at = excluded.at,
    page_id = excluded.page_id
WHERE responder_positions.at <= excluded.at
RETURNING responder_id

-- name: may_share
SELECT p.state IN ('accepted', 'arrived') AND i.closed_at IS NULL AS on_the_job
FROM pages p JOIN incidents i USING (incident_id) WHERE p.page_id = %(page_id)s

-- name: forget_of_page
DELETE FROM responder_positions WHERE page_id = %(page_id)s

-- name: forget_of_incident
DELETE FROM responder_positions
WHERE page_id IN (SELECT page_id FROM pages WHERE incident_id = %(incident_id)s)

-- name: forget_old
DELETE FROM responder_positions WHERE at <= %(before)s
