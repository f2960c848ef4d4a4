-- name: beat
INSERT INTO process_beats (process, instance, pid, version, started_at, beat_at, figures)
VALUES (%(process)s, %(instance)s, %(pid)s, %(version)s, %(started_at)s, %(beat_at)s, %(figures)s)
ON CONFLICT (process, instance) DO UPDATE
SET pid = excluded.pid, version = excluded.version, started_at = excluded.started_at,
    beat_at = excluded.beat_at, figures = excluded.figures

-- name: forget_old_beats
DELETE FROM process_beats WHERE beat_at < %(before)s

-- name: forget_processes
DELETE FROM process_beats WHERE process = ANY(%(processes)s)

-- name: beats
SELECT process, instance, pid, version, started_at, beat_at, figures
FROM process_beats ORDER BY process, instance
