-- name: chunk_interval
SELECT time_interval AS width FROM timescaledb_information.dimensions
WHERE hypertable_name = 'events' AND hypertable_schema = current_schema()

-- name: set_chunk_interval
SELECT set_chunk_time_interval('events', %(width)s::interval)

-- name: refresh_household_days
CALL refresh_continuous_aggregate('household_day_aggregate', %(from_at)s::timestamptz,
                                  %(to_at)s::timestamptz)

-- name: refresh_fleet_hours
CALL refresh_continuous_aggregate('fleet_hour_aggregate', %(from_at)s::timestamptz,
                                  %(to_at)s::timestamptz)

-- name: watermarks
-- up to where each aggregate is materialized; null where nothing is yet
SELECT user_view_name::text AS aggregate, CASE WHEN mark > '1900-01-01' THEN mark END AS counted_to
FROM _timescaledb_catalog.continuous_agg,
LATERAL (SELECT _timescaledb_functions.to_timestamp(
    _timescaledb_functions.cagg_watermark(mat_hypertable_id)) AS mark) w

-- name: unpacked
-- Row chunks past the backlog, and packed ones that took rows since.
SELECT format('%%I.%%I', chunk_schema, chunk_name) AS name
FROM timescaledb_information.chunks
WHERE hypertable_name = 'events' AND range_end <= %(before)s::timestamptz
  AND (NOT is_compressed OR _timescaledb_functions.chunk_status_text(
          format('%%I.%%I', chunk_schema, chunk_name)::regclass)::text ~ 'PARTIAL|UNORDERED')
ORDER BY range_start

-- name: pack
CALL convert_to_columnstore(%(chunk)s::regclass, if_not_columnstore => true)

-- name: drop_chunks
SELECT drop_chunks('events', older_than => %(before)s::timestamptz) AS name

-- name: drop_household_days
SELECT drop_chunks('household_day_aggregate', older_than => %(before)s::timestamptz) AS name

-- name: drop_fleet_hours
SELECT drop_chunks('fleet_hour_aggregate', older_than => %(before)s::timestamptz) AS name

-- name: make_adopted_hypertable
SELECT create_hypertable('events_adopted', 'at', chunk_time_interval => %(width)s::interval,
                         create_default_indexes => false)

-- name: chunks
-- every chunk with its size; of a packed one as it was when packed, and what came since
SELECT i.chunk_name AS name, i.range_start AS from_time, i.range_end AS to_time,
       i.is_compressed AS packed, nullif(approximate_row_count(p.oid), -1) AS rows,
       pg_table_size(p.oid)
           + coalesce(s.after_compression_table_bytes + s.after_compression_toast_bytes, 0)
           AS table_bytes,
       pg_indexes_size(p.oid) + coalesce(s.after_compression_index_bytes, 0) AS index_bytes,
       round(s.before_compression_total_bytes / nullif(s.after_compression_total_bytes, 0)::numeric,
             1)::float8 AS ratio
FROM timescaledb_information.chunks i
JOIN pg_class p ON p.oid = format('%%I.%%I', i.chunk_schema, i.chunk_name)::regclass
LEFT JOIN chunk_columnstore_stats('events') s
    ON s.chunk_schema = i.chunk_schema AND s.chunk_name = i.chunk_name
WHERE i.hypertable_name = 'events'
ORDER BY i.range_start

-- name: stray_bytes
-- Rows in the root of the hypertable, past the extension: no query shows them.
SELECT pg_relation_size('events') AS n
