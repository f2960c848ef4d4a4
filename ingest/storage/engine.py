"""Which of the two stores this database is, and the limits both share."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from core import sql
from core.database import Connection
from ingest.placement import MAX_BEHIND

_QUERIES = sql.load("ingest.storage")

# Rows arrive up to `MAX_BEHIND` late by their own clock; a retry of one that waited, or of one
# that was placed at its first receipt, some days later still.
BACKLOG = MAX_BEHIND + timedelta(days=6)


class Engine(StrEnum):
    """A hypertable of TimescaleDB, or native range partitions."""

    TIMESCALE = "timescaledb"
    PLAIN = "postgresql"


def engine(conn: Connection) -> Engine:
    """Return what the table `events` is; the extension alone does not make it a hypertable."""
    row = conn.execute(_QUERIES["events_relkind"]).fetchone()
    plain = row is not None and row["relkind"] == "p"
    return Engine.PLAIN if plain else Engine.TIMESCALE
