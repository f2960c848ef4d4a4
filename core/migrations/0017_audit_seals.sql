-- Keyed seals over the incidents' log and the access log (docs/adr/0024); written by `alerts`.
-- Lines that wait for the next seal; written in the same statement as the line itself.
CREATE TABLE audit_unsealed (
    incident_id bigint NOT NULL,
    n           integer NOT NULL,
    at          timestamptz NOT NULL,
    digest      bytea NOT NULL,
    PRIMARY KEY (incident_id, n)
);
-- the ends of the chains that are there already
INSERT INTO audit_unsealed (incident_id, n, at, digest)
SELECT DISTINCT ON (incident_id) incident_id, n, at, digest
FROM incident_log ORDER BY incident_id, n DESC;

CREATE TABLE audit_seals (
    n    bigint PRIMARY KEY,
    at   timestamptz NOT NULL,
    body text NOT NULL,    -- JSON as it was sealed: the ends of the chains that moved
    mac  bytea NOT NULL    -- HMAC-SHA-256(key, mac of the seal before + body)
);
CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
