-- What residents say of their home: whether they are there, and who may look after it. Written by
-- `households` (docs/adr/0026).
ALTER TABLE households
    ADD COLUMN mode       text NOT NULL DEFAULT 'home' CHECK (mode IN ('home', 'away', 'holiday')),
    ADD COLUMN mode_since timestamptz,
    ADD COLUMN mode_until timestamptz,                -- null: until it is changed
    ADD COLUMN mode_by    text NOT NULL DEFAULT '',
    ADD CHECK (mode <> 'home' OR mode_until IS NULL);

CREATE TABLE guardians (
    household_id text NOT NULL REFERENCES households,
    user_id      text NOT NULL,                       -- under which they sign in
    name         text NOT NULL,
    relation     text NOT NULL DEFAULT '',
    phone        text NOT NULL DEFAULT '',
    rights       text[] NOT NULL CHECK (rights <@ '{look,talk,history,alarms}'),
    added_at     timestamptz NOT NULL,
    added_by     text NOT NULL,
    removed_at   timestamptz,
    PRIMARY KEY (household_id, user_id)
);
