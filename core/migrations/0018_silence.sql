-- depends: 0017_audit_seals 0021_residents_page
-- Silence as an alarm: of devices (written by `gateway`), of homes (written by `households`).
ALTER TABLE devices ADD COLUMN behind text REFERENCES devices;   -- the device it connects through

CREATE TABLE device_silences (         -- those that are told, until the device is heard again
    device_id    text NOT NULL REFERENCES devices,
    household_id text NOT NULL REFERENCES households,
    type         text NOT NULL CHECK (type IN ('device.offline', 'gateway.offline')),
    since        timestamptz NOT NULL,
    told_at      timestamptz NOT NULL,
    PRIMARY KEY (device_id, household_id)
);

CREATE TABLE care_rules (              -- what a home's silence means; without a row nothing
    household_id   text PRIMARY KEY REFERENCES households,
    silent_after_h smallint NOT NULL CHECK (silent_after_h BETWEEN 1 AND 240),  -- waking hours
    waking_from    time NOT NULL,
    waking_to      time NOT NULL,
    since          timestamptz NOT NULL,   -- silence counts from here
    look_at        timestamptz NOT NULL,   -- when it can have been silent for so long
    raised_at      timestamptz,            -- null: not silent
    CHECK (waking_from <> waking_to)
);
CREATE INDEX ON care_rules (look_at);
