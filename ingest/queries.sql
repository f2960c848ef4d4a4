-- name: changed_devices
-- Those that a transaction changed which an earlier look may not have seen; and from where the
-- next look must go on. One statement, so that both are of one snapshot.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest,
       (SELECT array_agg(DISTINCT c.device_id) FROM attribution_changes c
        WHERE c.txid >= %(seen_to)s::xid8) AS devices

-- name: assignments
-- The reader's own view of the registry's history, for the devices of one batch.
-- `was_placed`: its clock has been off before, so that a retry may have a place already.
SELECT a.device_id, a.household_id, a.valid_from, nullif(a.valid_to, 'infinity') AS valid_to,
       EXISTS (SELECT FROM event_placements p WHERE p.device_id = a.device_id) AS was_placed
FROM device_assignments a
WHERE a.device_id = ANY(%(devices)s)

-- name: make_staging
CREATE TEMP TABLE IF NOT EXISTS event_staging (
    household_id text, at timestamptz, device_id text, seq bigint, source text, type text,
    received_at timestamptz, reported_at timestamptz, clock_off boolean, data json
) ON COMMIT DELETE ROWS

-- name: empty_staging
-- A batch that is stored in parts uses the table again in the same transaction.
DELETE FROM event_staging

-- name: copy_events
COPY events (household_id, at, device_id, seq, source, type,
             received_at, reported_at, clock_off, data) FROM STDIN (FORMAT BINARY)

-- name: copy_staging
COPY event_staging (household_id, at, device_id, seq, source, type,
                    received_at, reported_at, clock_off, data) FROM STDIN (FORMAT BINARY)

-- name: merge_staging
-- The unique index decides what is new; RETURNING gives exactly those rows.
INSERT INTO events (household_id, at, device_id, seq, source, type,
                    received_at, reported_at, clock_off, data)
SELECT household_id, at, device_id, seq, source, type, received_at, reported_at, clock_off, data
FROM event_staging
ON CONFLICT DO NOTHING
RETURNING household_id, at, device_id, seq, source

-- name: placements
SELECT p.device_id, p.source, p.seq, p.reported_at, p.placed_at
FROM event_placements p
JOIN unnest(%(devices)s::text[], %(sources)s::text[], %(seqs)s::bigint[],
            %(reported)s::timestamptz[])
     AS wanted (device_id, source, seq, reported_at) USING (device_id, source, seq, reported_at)

-- name: stored_as_reported
-- A retry may have crossed the 30 days while it waited: it was stored before it was flagged.
SELECT e.device_id, e.source, e.seq, e.at
FROM events e
JOIN unnest(%(households)s::text[], %(reported)s::timestamptz[], %(devices)s::text[],
            %(seqs)s::bigint[], %(sources)s::text[])
     AS wanted (household_id, at, device_id, seq, source)
     USING (household_id, at, device_id, seq, source)

-- name: place
INSERT INTO event_placements (device_id, source, seq, reported_at, placed_at)
SELECT device_id, source, seq, reported_at, %(now)s
FROM unnest(%(devices)s::text[], %(sources)s::text[], %(seqs)s::bigint[],
            %(reported)s::timestamptz[]) AS wanted (device_id, source, seq, reported_at)
ON CONFLICT (device_id, source, seq, reported_at) DO UPDATE SET device_id = excluded.device_id
RETURNING device_id, source, seq, reported_at, placed_at

-- name: heard
INSERT INTO device_state (device_id, last_heard_at)
SELECT device_id, %(now)s FROM unnest(%(devices)s::text[]) AS heard (device_id)
WHERE EXISTS (SELECT FROM devices d WHERE d.device_id = heard.device_id)
ORDER BY device_id
ON CONFLICT (device_id) DO UPDATE
SET last_heard_at = greatest(device_state.last_heard_at, excluded.last_heard_at)

-- name: heartbeat
UPDATE device_state SET last_heartbeat_at = greatest(last_heartbeat_at, %(now)s)
WHERE device_id = ANY(%(devices)s)

-- name: status
INSERT INTO device_state (device_id, online, status_at, fw, battery_percent, rssi_dbm,
                          config_version)
SELECT %(device_id)s, %(online)s, %(at)s, %(fw)s, %(battery)s, %(rssi)s, %(config_version)s
WHERE EXISTS (SELECT FROM devices WHERE device_id = %(device_id)s)
ON CONFLICT (device_id) DO UPDATE
SET online = excluded.online,
    status_at = coalesce(excluded.status_at, device_state.status_at),
    fw = coalesce(excluded.fw, device_state.fw),
    battery_percent = coalesce(excluded.battery_percent, device_state.battery_percent),
    rssi_dbm = coalesce(excluded.rssi_dbm, device_state.rssi_dbm),
    config_version = coalesce(excluded.config_version, device_state.config_version)

-- name: position
-- Of a pager alone: a camera or a button stays at its home.
INSERT INTO device_positions (device_id, lat, lon, accuracy_m, at)
SELECT device_id, %(lat)s, %(lon)s, %(accuracy_m)s, %(at)s FROM devices
WHERE device_id = %(device_id)s AND kind = 'pager' AND revoked_at IS NULL
  AND %(at)s::timestamptz > %(kept_since)s::timestamptz
ON CONFLICT (device_id) DO UPDATE
SET lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m, at = excluded.at
WHERE device_positions.at <= excluded.at

-- name: forget_positions
DELETE FROM device_positions WHERE at <= %(before)s

-- name: hand_off
INSERT INTO alarm_handoff (household_id, at, device_id, seq, source, type, data)
SELECT household_id, at, device_id, seq, source, type, data::json
FROM unnest(%(households)s::text[], %(at)s::timestamptz[], %(devices)s::text[], %(seqs)s::bigint[],
            %(sources)s::text[], %(types)s::text[], %(data)s::text[]) WITH ORDINALITY
     AS told (household_id, at, device_id, seq, source, type, data, n)
ORDER BY n

-- name: homes_with_incidents
SELECT DISTINCT household_id FROM incidents
WHERE closed_at IS NULL AND household_id = ANY (%(households)s::text[])

-- name: notify_handoff
SELECT pg_notify('handoff', '')

-- name: take_handoff
DELETE FROM alarm_handoff
WHERE handoff_id IN (
    SELECT handoff_id FROM alarm_handoff ORDER BY handoff_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING handoff_id, household_id, at, device_id, seq, source, type, data::text AS data

-- name: keep_reject
INSERT INTO rejected_messages (received_at, lane, topic, device_id, reason, detail, size_bytes,
                               payload)
VALUES (%(received_at)s, %(lane)s, %(topic)s, %(device_id)s, %(reason)s, %(detail)s,
        %(size_bytes)s, %(payload)s)

-- name: count_reject
INSERT INTO reject_counts (lane, reason, n, last_at)
VALUES (%(lane)s, %(reason)s, %(n)s, %(now)s)
ON CONFLICT (lane, reason) DO UPDATE
SET n = reject_counts.n + excluded.n, last_at = greatest(reject_counts.last_at, excluded.last_at)

-- name: reject_counts
SELECT lane, reason, n, last_at FROM reject_counts ORDER BY n DESC, lane, reason
