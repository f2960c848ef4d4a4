-- depends: 0011_escalation
-- Rosters, skills, channels in order, positions and the expected time of arrival; written by `alerts`.
CREATE TABLE roster_shifts (
    shift_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    responder_id text NOT NULL REFERENCES responders,
    weekdays     smallint[] NOT NULL
                 CHECK (weekdays <@ '{1,2,3,4,5,6,7}' AND cardinality(weekdays) > 0),  -- ISO
    start_time   time NOT NULL,          -- local time of the service
    end_time     time NOT NULL,          -- not after start_time: on the next day
    first_day    date,
    last_day     date,                   -- included
    CHECK (first_day <= last_day)
);
CREATE INDEX ON roster_shifts (responder_id);

CREATE TABLE roster_changes (
    change_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    responder_id text NOT NULL REFERENCES responders,
    kind         text NOT NULL CHECK (kind IN ('cover', 'covered', 'break', 'sick', 'leave')),
    start_at     timestamptz NOT NULL,
    end_at       timestamptz,            -- null: until it is withdrawn
    partner      text REFERENCES responders,   -- who covers, or is covered
    noted_by     text NOT NULL,
    noted_at     timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CHECK (start_at < end_at)
);
CREATE INDEX ON roster_changes (responder_id, start_at) WHERE withdrawn_at IS NULL;

INSERT INTO roster_shifts (responder_id, weekdays, start_time, end_time)
SELECT responder_id, '{1,2,3,4,5,6,7}', shift_start, shift_end FROM responders
WHERE shift_start IS NOT NULL;
INSERT INTO roster_changes (responder_id, kind, start_at, noted_by, noted_at)
SELECT responder_id, 'leave', now(), 'migration', now() FROM responders WHERE on_leave;

ALTER TABLE responders
    DROP COLUMN shift_start,
    DROP COLUMN shift_end,
    DROP COLUMN on_leave,
    ADD COLUMN skills    text[] NOT NULL DEFAULT '{}',   -- 'first_aid', 'keys' …
    ADD COLUMN channels  text[] NOT NULL DEFAULT '{}',   -- in the order of use; {}: all there are
    ADD COLUMN device_id text;                           -- a pager that hears over MQTT

-- Where somebody is, the newest only, and only while on the job.
CREATE TABLE responder_positions (
    responder_id text PRIMARY KEY REFERENCES responders,
    lat          double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon          double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    accuracy_m   real NOT NULL CHECK (accuracy_m >= 0),
    at           timestamptz NOT NULL,
    page_id      bigint REFERENCES pages   -- of the page it is shared by; null: from a pager
);

ALTER TABLE pages
    ADD COLUMN eta_s         double precision,           -- expected when it was planned
    ADD COLUMN eta_by        text NOT NULL DEFAULT '',   -- 'street factor', 'osrm', 'valhalla'
    ADD COLUMN sharing_since timestamptz;                -- consent to share the position
