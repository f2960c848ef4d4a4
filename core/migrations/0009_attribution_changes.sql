-- Which devices changed homes, or got a place for a wrong clock, and in which transaction; so that
-- ingest may remember whose home a device serves and still be exact (docs/adr/0013).
-- Written by `ingest` and, through the trigger, by whoever changes an assignment.
CREATE TABLE attribution_changes (
    txid       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    device_id  text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attribution_changes_txid ON attribution_changes (txid);

CREATE FUNCTION note_attribution_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO attribution_changes (device_id) VALUES (OLD.device_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO attribution_changes (device_id) VALUES (NEW.device_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER assignments_changed AFTER INSERT OR UPDATE OR DELETE ON device_assignments
    FOR EACH ROW EXECUTE FUNCTION note_attribution_change();
CREATE TRIGGER placements_changed AFTER INSERT ON event_placements
    FOR EACH ROW EXECUTE FUNCTION note_attribution_change();
