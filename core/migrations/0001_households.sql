-- Homes and who lives in them; written by `households`.
CREATE TABLE households (
    household_id text PRIMARY KEY,
    name         text NOT NULL,
    address      text NOT NULL DEFAULT '',
    access_note  text NOT NULL DEFAULT '',
    district     text NOT NULL DEFAULT '',
    lat          double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon          double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    created_at   timestamptz NOT NULL DEFAULT now(),
    removed_at   timestamptz
);
CREATE TABLE residents (
    resident_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    household_id text NOT NULL REFERENCES households,
    name         text NOT NULL,
    phone        text NOT NULL DEFAULT '',
    note         text NOT NULL DEFAULT ''
);
CREATE INDEX ON residents (household_id);
