-- depends: 0023_updates
-- Whom a home wants told of what happens at its door (written by `households`), and what they are
-- told (written by `alerts`).
CREATE TABLE home_contacts (
    contact_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    household_id   text NOT NULL REFERENCES households,
    name           text NOT NULL,
    webhook_url    text,
    webhook_secret text,
    apprise_url    text,
    added_at       timestamptz NOT NULL,
    removed_at     timestamptz,
    CHECK (num_nonnulls(webhook_url, apprise_url) = 1)
);
CREATE INDEX ON home_contacts (household_id) WHERE removed_at IS NULL;

CREATE TABLE notices (
    notice_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id     bigint NOT NULL REFERENCES incidents,
    contact_id      bigint NOT NULL REFERENCES home_contacts,
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    planned_at      timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    sent_at         timestamptz,
    last_error      text NOT NULL DEFAULT '',
    UNIQUE (incident_id, contact_id)
);
CREATE INDEX notices_due ON notices (next_attempt_at) WHERE state = 'queued';
