-- Who may sign in and what they may see; written by `app`.
CREATE TABLE users (
    user_id         text PRIMARY KEY,
    role            text NOT NULL CHECK (role IN ('resident', 'operator', 'administrator')),
    password_argon2 text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    removed_at      timestamptz
);
CREATE TABLE user_households (
    user_id      text NOT NULL REFERENCES users,
    household_id text NOT NULL REFERENCES households,
    PRIMARY KEY (user_id, household_id)
);
CREATE TABLE api_tokens (
    token_sha256 bytea PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX ON api_tokens (user_id);
