"""Room for the rows to come: partitions made ahead, or the interval of a hypertable's chunks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from core import sql
from core.database import Connection
from ingest.storage.engine import BACKLOG, Engine, engine
from ingest.storage.width import chunk_width

AHEAD = timedelta(days=14)  # the upkeep may be away for a week before `db status` complains
_MONDAY = datetime(2000, 1, 3, tzinfo=UTC)
_QUERIES = sql.load("ingest.storage")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")


class Span(NamedTuple):
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime


def gaps(existing: Sequence[Span], start: datetime, end: datetime, width: timedelta) -> list[Span]:
    """Return the partitions that are missing to cover [start, end), none overlapping another.

    New ones end at multiples of `width` (from a Monday, UTC), or sooner where an existing one
    begins: after a change of width the gap up to it is filled.
    """
    taken = sorted(existing)
    cursor = _MONDAY + (start - _MONDAY) // width * width
    missing: list[Span] = []
    while cursor < end:
        covering = next((span for span in taken if span.start <= cursor < span.end), None)
        if covering:
            cursor = covering.end
            continue
        bound = _MONDAY + ((cursor - _MONDAY) // width + 1) * width
        following = next((span.start for span in taken if span.start > cursor), bound)
        missing.append(Span(cursor, min(bound, following)))
        cursor = missing[-1].end
    return [span for span in missing if span.end > start]


def partition_name(span: Span) -> str:
    """Return the name of a partition, by where it begins."""
    begins = span.start.astimezone(UTC)
    return f"events_{begins:%Y%m%d}" if begins.hour == 0 else f"events_{begins:%Y%m%d_%H}"


def spans(conn: Connection) -> list[Span]:
    """Return the native partitions of `events`, oldest first."""
    rows = conn.execute(_QUERIES["partitions"]).fetchall()
    return [Span(row["from_time"], row["to_time"]) for row in rows]


def homes(conn: Connection) -> int:
    """Return how many homes are served."""
    row = conn.execute(_QUERIES["homes"]).fetchone()
    return int(row["n"]) if row else 0


def make_partitions(conn: Connection, now: datetime) -> list[str]:
    """Make what is missing from the backlog to two weeks ahead; return the names made.

    Nobody waits for it: a partition is made beside the table and then attached, which stops no
    writer. On a hypertable it sets the interval of chunks to come, and returns nothing.
    """
    width = chunk_width(homes(conn))
    if engine(conn) is Engine.TIMESCALE:
        row = conn.execute(_TIMESCALE["chunk_interval"]).fetchone()
        if row is None or row["width"] != width:
            conn.execute(_TIMESCALE["set_chunk_interval"], {"width": width})
        return []
    with conn.transaction():
        conn.execute(_QUERIES["one_maker"])
        missing = gaps(spans(conn), now - BACKLOG, now + AHEAD, width)
        for span in missing:
            _make(conn, span)
    return [partition_name(span) for span in missing]


def _make(conn: Connection, span: Span) -> None:
    name = psycopg.sql.Identifier(partition_name(span))
    conn.execute(psycopg.sql.SQL("CREATE TABLE {} (LIKE events INCLUDING DEFAULTS)").format(name))
    conn.execute(
        psycopg.sql.SQL(
            "ALTER TABLE events ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
        ).format(name, psycopg.sql.Literal(span.start), psycopg.sql.Literal(span.end))
    )
