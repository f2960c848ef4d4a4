"""What no longer changes is packed: into columns on TimescaleDB, frozen on plain PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import psycopg

from core import sql
from core.database import Connection
from ingest.storage.engine import BACKLOG, Engine, engine

# After the longest backlog: a late row into a packed chunk is right, but slow.
COMPACT_AFTER = BACKLOG
_QUERIES = sql.load("ingest.storage")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")


def compact(conn: Connection, now: datetime) -> list[str]:
    """Pack every chunk or partition past the backlog; return their names, oldest first.

    Each in a transaction of its own (`conn` in autocommit). One that took late rows since is
    packed again.
    """
    before = {"before": now - COMPACT_AFTER}
    if engine(conn) is Engine.TIMESCALE:
        names = [row["name"] for row in conn.execute(_TIMESCALE["unpacked"], before).fetchall()]
        for name in names:
            conn.execute(_TIMESCALE["pack"], {"chunk": name})
        return names
    names = [row["name"] for row in conn.execute(_QUERIES["unfrozen"], before).fetchall()]
    for name in names:
        # once now, rather than a year of partitions together when their transaction ids run out
        table = psycopg.sql.Identifier(name)
        conn.execute(psycopg.sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(table))
    return names
