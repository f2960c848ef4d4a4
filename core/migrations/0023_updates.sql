-- depends: 0011_escalation
-- Who is on the way is told when it becomes worse; when a screen first showed an incident. Written by
-- `alerts`.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_message_check;
ALTER TABLE deliveries
    ADD CONSTRAINT deliveries_message_check CHECK (message IN ('page', 'stand_down', 'update')),
    ADD COLUMN revision integer NOT NULL DEFAULT 0;   -- of an update that is followed by another

CREATE TABLE incident_screens (
    incident_id bigint PRIMARY KEY REFERENCES incidents,
    shown_at    timestamptz NOT NULL
);
