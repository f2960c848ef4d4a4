-- Who is asked beside the nearest: supervisors, district officers, the counselling line; where they
-- belong; and the steps of an escalation as timers. Written by `alerts`.
ALTER TABLE responders DROP CONSTRAINT responders_kind_check;
ALTER TABLE responders
    ADD CONSTRAINT responders_kind_check CHECK (kind IN (
        'crew', 'guard', 'guardian', 'engineer', 'supervisor', 'officer', 'counsellor')),
    ADD COLUMN district   text NOT NULL DEFAULT '',    -- '': everywhere
    ADD COLUMN households text[] NOT NULL DEFAULT '{}'; -- asked for these homes alone; {}: for all

ALTER TABLE timers ADD COLUMN step_s integer;           -- of kind 'step': its seconds in the rules
