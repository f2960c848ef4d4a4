"""When an incident was first shown on a board that somebody had open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from core import sql
from core.database import Connection

_QUERIES = sql.load("alerts", "figures.sql")


def note_shown(conn: Connection, incident_ids: Collection[int], *, at: datetime) -> None:
    """Note that a screen shows these incidents; the first time counts."""
    conn.execute(_QUERIES["note_shown"], {"ids": sorted(incident_ids), "at": at})
