-- depends: 0024_notices
-- Homes at which a technician works: a mark, which mutes nothing (docs/adr/0027). Written by
-- `households`.
CREATE TABLE homes_on_test (
    test_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    household_id text NOT NULL REFERENCES households,
    since        timestamptz NOT NULL,   -- of the first, when it was prolonged without a gap
    put_at       timestamptz NOT NULL,
    until        timestamptz NOT NULL,   -- it ends by itself
    put_by       text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    ended_at     timestamptz,            -- when somebody ended it before
    ended_by     text,
    CHECK (since <= put_at AND put_at < until AND until <= put_at + interval '8 hours'),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX ON homes_on_test (household_id, put_at);
CREATE INDEX homes_on_test_now ON homes_on_test (until) WHERE ended_at IS NULL;

-- as with incidents: a hint to the boards, which poll as well
CREATE FUNCTION notify_on_test() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('incidents', '');
    RETURN NULL;
END $$;
CREATE TRIGGER homes_on_test_notify AFTER INSERT OR UPDATE ON homes_on_test
    FOR EACH STATEMENT EXECUTE FUNCTION notify_on_test();
