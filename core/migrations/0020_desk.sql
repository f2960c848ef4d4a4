-- What the desk keeps beside an incident's log: what is parked, which steps of its script are done,
-- and the notes from shift to shift. Written by `app`.
CREATE TABLE parked_incidents (
    incident_id bigint PRIMARY KEY REFERENCES incidents,
    parked_by   text NOT NULL,
    parked_at   timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    why         text NOT NULL CHECK (why <> '')
);
CREATE TABLE script_steps (
    incident_id bigint NOT NULL REFERENCES incidents,
    step        text NOT NULL,
    done_by     text NOT NULL,
    done_at     timestamptz NOT NULL,
    PRIMARY KEY (incident_id, step)
);
CREATE TABLE shift_notes (
    note_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    text       text NOT NULL CHECK (text <> '')
);
