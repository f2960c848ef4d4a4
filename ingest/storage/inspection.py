"""What the store looks like now, as facts; judged in `ingest.storage.verdict`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import sql
from core.database import Connection
from core.errors import ConfigurationError
from core.migrate import check_checksums, pending
from ingest.storage import partitions, rollups
from ingest.storage.engine import Engine, engine
from ingest.storage.partitions import Span
from ingest.storage.width import chunk_width

_QUERIES = sql.load("ingest.storage")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk or native partition. `rows` is the planner's estimate, None before any ANALYZE;
    `ratio` is how many times smaller packing made it.
    """

    name: str
    span: Span
    packed: bool
    rows: int | None
    table_bytes: int
    index_bytes: int
    ratio: float | None


@dataclass(frozen=True, slots=True)
class JobState:
    """A row of `storage_jobs`."""

    name: str
    every: timedelta
    next_at: datetime
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_took_s: float | None
    last_note: str
    last_error: str
    failures: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that `db status` knows."""

    engine: Engine
    server_version: str
    extension_version: str | None
    extension_available: bool
    shared_buffers_bytes: int
    homes: int
    width: timedelta  # of the next chunk
    chunks: tuple[Chunk, ...]  # oldest first
    counted_to: dict[str, datetime | None]
    behind: dict[str, timedelta]
    jobs: tuple[JobState, ...]
    placements: int
    rejected: int
    rejected_kept: int
    adopting: bool
    stray_bytes: int  # in the root of the hypertable, where no query looks
    default_partition: bool
    pending: tuple[str, ...]
    checksums: str  # what is wrong with them, empty when nothing is

    def current(self, now: datetime) -> Chunk | None:
        """Return the chunk that takes what happens now."""
        found = (chunk for chunk in self.chunks if chunk.span.start <= now < chunk.span.end)
        return next(found, None)


def unfinished(conn: Connection) -> list[str]:
    """Return the migrations that are missing; with any, the other facts may have no tables."""
    return pending(conn)


def inspect(conn: Connection, now: datetime) -> Facts:
    """Collect the facts; reads catalogues and small tables only."""
    kind = engine(conn)
    server = _one(conn, "server")
    side = _one(conn, "side_counts")
    homes = partitions.homes(conn)
    return Facts(
        engine=kind,
        server_version=server["version"],
        extension_version=server["extension_version"],
        extension_available=server["extension_available"],
        shared_buffers_bytes=server["shared_buffers_bytes"],
        homes=homes,
        width=chunk_width(homes),
        chunks=_chunks(conn, kind),
        counted_to=rollups.counted_to(conn),
        behind=rollups.behind(conn, now),
        jobs=tuple(JobState(**row) for row in conn.execute(_QUERIES["jobs"]).fetchall()),
        placements=side["placements"],
        rejected=side["rejected"],
        rejected_kept=side["rejected_kept"],
        adopting=side["adopting"],
        stray_bytes=_stray_bytes(conn, kind),
        default_partition=kind is Engine.PLAIN and _one(conn, "default_partition")["n"] > 0,
        pending=tuple(unfinished(conn)),
        checksums=_checksums(),
    )


def _one(conn: Connection, query: str) -> dict[str, Any]:
    row = conn.execute(_QUERIES[query]).fetchone()
    if row is None:
        raise AssertionError(f"{query} returned no row")
    return row


def _chunks(conn: Connection, kind: Engine) -> tuple[Chunk, ...]:
    query = _TIMESCALE["chunks"] if kind is Engine.TIMESCALE else _QUERIES["partition_sizes"]
    return tuple(
        Chunk(
            name=row["name"],
            span=Span(row["from_time"], row["to_time"]),
            packed=row["packed"],
            rows=row["rows"],
            table_bytes=row["table_bytes"],
            index_bytes=row["index_bytes"],
            ratio=row["ratio"],
        )
        for row in conn.execute(query, {}).fetchall()
    )


def _stray_bytes(conn: Connection, kind: Engine) -> int:
    if kind is Engine.PLAIN:
        return 0
    row = conn.execute(_TIMESCALE["stray_bytes"]).fetchone()
    return int(row["n"]) if row else 0


def _checksums() -> str:
    try:
        check_checksums()
    except ConfigurationError as error:
        return str(error)
    return ""
