-- depends: 0015_rosters
-- Times by a road service, positions of pagers, deliveries that were delivered and answered, what a
-- responder found, links that can be withdrawn, and the hand-off to police, fire and counselling.

-- of a road service, newest only; written by `alerts`
CREATE TABLE eta_estimates (
    incident_id  bigint NOT NULL REFERENCES incidents,
    responder_id text NOT NULL REFERENCES responders,
    eta_s        double precision NOT NULL CHECK (eta_s >= 0),
    eta_by       text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (incident_id, responder_id)
);

-- of a pager that reports where it is, newest only, forgotten after an hour; written by `ingest`
CREATE TABLE device_positions (
    device_id  text PRIMARY KEY REFERENCES devices,
    lat        double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon        double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    accuracy_m real NOT NULL CHECK (accuracy_m >= 0),
    at         timestamptz NOT NULL
);
ALTER TABLE devices DROP CONSTRAINT devices_kind_check;
ALTER TABLE devices
    ADD CONSTRAINT devices_kind_check
    CHECK (kind IN ('camera', 'button', 'app', 'synthetic', 'pager'));

ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
ALTER TABLE deliveries
    ADD CONSTRAINT deliveries_state_check CHECK (state IN (
        'queued', 'sent', 'delivered', 'answered', 'failed', 'dropped')),
    ADD COLUMN delivered_at timestamptz,   -- the responder's device has it
    ADD COLUMN answered_at  timestamptz;   -- it was answered by this channel

ALTER TABLE responders ADD COLUMN link_version integer NOT NULL DEFAULT 1;  -- of their own page

CREATE TABLE page_findings (
    page_id  bigint PRIMARY KEY REFERENCES pages,
    finding  text NOT NULL,
    note     text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL
);
CREATE TABLE page_photos (
    page_id    bigint NOT NULL REFERENCES pages,
    sha256     text NOT NULL,
    object_key text NOT NULL,
    size_bytes integer NOT NULL,
    taken_at   timestamptz NOT NULL,   -- when it came to us
    PRIMARY KEY (page_id, sha256)
);

CREATE TABLE handoffs (
    handoff_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    service     text NOT NULL CHECK (service IN ('police', 'fire', 'counselling')),
    begun_at    timestamptz NOT NULL,
    begun_by    text NOT NULL,
    spoken_to   text NOT NULL DEFAULT '',
    reference   text NOT NULL DEFAULT '',
    ended_at    timestamptz,
    ended_by    text,
    outcome     text CHECK (outcome IN ('taken', 'refused', 'broken_off'))
);
CREATE INDEX ON handoffs (incident_id);
CREATE UNIQUE INDEX handoffs_open ON handoffs (incident_id, service) WHERE ended_at IS NULL;
CREATE TABLE handoff_steps (
    handoff_id bigint NOT NULL REFERENCES handoffs,
    step       text NOT NULL,
    done_at    timestamptz NOT NULL,
    done_by    text NOT NULL,
    PRIMARY KEY (handoff_id, step)
);
