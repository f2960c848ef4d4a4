"""How several ingest workers divide the event lane (docs/adr/0010)."""
