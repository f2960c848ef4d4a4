-- How the event lane is divided among ingest workers; written by `ingest` (docs/adr/0010).
-- `shares` is the layout in force. `preparing` is one whose sessions are being made at the broker,
-- `retiring` one whose sessions are still to be deleted there: a worker that died in a switch
-- leaves word for the next.
CREATE TABLE event_lane_layout (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shares    integer NOT NULL CHECK (shares BETWEEN 1 AND 63),
    preparing integer CHECK (preparing <> shares),
    retiring  integer CHECK (retiring <> shares)
);
INSERT INTO event_lane_layout (shares) VALUES (1);
