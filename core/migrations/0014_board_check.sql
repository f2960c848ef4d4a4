-- The synthetic SOS is followed to the board, too. Written by `alerts`.
ALTER TABLE synthetic_checks
    ADD COLUMN board_ms integer;  -- from the press to the board; NULL: not seen there
