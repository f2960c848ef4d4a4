-- name: people
-- Everybody with what they do now: the page that counts most of open incidents.
SELECT r.responder_id, r.name, r.kind, r.district, r.skills,
       busy.incident_id, busy.state AS page_state
FROM responders r
LEFT JOIN LATERAL (
    SELECT p.incident_id, p.state
    FROM pages p JOIN incidents i USING (incident_id)
    WHERE p.responder_id = r.responder_id AND i.closed_at IS NULL
      AND p.state IN ('planned', 'sent', 'accepted', 'arrived')
    ORDER BY p.state IN ('accepted', 'arrived') DESC, i.priority, p.page_id DESC
    LIMIT 1
) busy ON true
WHERE r.removed_at IS NULL AND r.responder_id <> 'synthetic'
ORDER BY r.kind, r.district, r.responder_id
