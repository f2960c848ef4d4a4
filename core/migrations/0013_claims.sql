-- Whose a message is that is being sent: what a dead process held is due at once, not when its lease
-- is over. Written by `alerts`.
ALTER TABLE deliveries
    ADD COLUMN claimed_by integer;  -- the process' advisory lock, held while it lives; NULL: nobody's
