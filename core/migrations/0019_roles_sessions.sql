-- Roles of those who run the service, the district they answer for, second factors, sign-in by an
-- identity provider, and sessions that end on the server. Written by `app` (docs/adr/0025).
ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users
    ADD CONSTRAINT users_role_check CHECK (role IN (
        'resident', 'guardian', 'operator', 'supervisor', 'officer', 'technician',
        'administrator')),
    ADD COLUMN district     text NOT NULL DEFAULT '',   -- '': every district
    ADD COLUMN totp_sealed  bytea,                      -- null: no second factor yet
    ADD COLUMN totp_step    bigint NOT NULL DEFAULT 0,  -- the last one used: a code is good once
    ADD COLUMN oidc_subject text;                       -- issuer and subject at the provider
CREATE UNIQUE INDEX users_oidc_subject ON users (oidc_subject) WHERE removed_at IS NULL;

CREATE TABLE recovery_codes (
    user_id     text NOT NULL REFERENCES users,
    code_sha256 bytea NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (user_id, code_sha256)
);

CREATE TABLE sessions (
    session_sha256 bytea PRIMARY KEY,
    user_id        text NOT NULL REFERENCES users,
    opened_at      timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    ended_at       timestamptz
);
CREATE INDEX ON sessions (user_id) WHERE ended_at IS NULL;
