"""From decoded messages to committed rows: de-duplication, rejects, acknowledgements."""
