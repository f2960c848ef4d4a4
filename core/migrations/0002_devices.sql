-- The device registry; written by `gateway`.
CREATE TABLE devices (
    device_id       text PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('camera', 'button', 'app', 'synthetic')),
    password_bcrypt text,
    config          jsonb NOT NULL DEFAULT '{}',
    config_version  integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);
-- A row belongs to the household its device served at the time: nobody inherits a stranger's past.
CREATE TABLE device_assignments (
    device_id    text NOT NULL REFERENCES devices,
    household_id text NOT NULL REFERENCES households,
    valid_from   timestamptz NOT NULL,
    valid_to     timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (device_id, valid_from),
    CHECK (valid_from < valid_to)
);
CREATE INDEX ON device_assignments (household_id);

CREATE FUNCTION notify_registry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry', '');
    RETURN NULL;
END $$;
CREATE TRIGGER devices_notify AFTER INSERT OR UPDATE OR DELETE ON devices
    FOR EACH STATEMENT EXECUTE FUNCTION notify_registry();
CREATE TRIGGER assignments_notify AFTER INSERT OR UPDATE OR DELETE ON device_assignments
    FOR EACH STATEMENT EXECUTE FUNCTION notify_registry();
