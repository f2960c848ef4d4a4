"""Stages (a) and (b): what the database can take, and what our writer makes of it.

(b) takes decoded events to committed, indexed, idempotent rows, with as many writers as the ingest
process has, each with its own devices and its own connection. (a) takes the very same rows, as
PostgreSQL itself hands them out in binary, and copies them into a heap without index, by one
connection, in transactions of the same size. They alternate in rounds, since a disk has moods; the
medians count.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.bench.testbed import Testbed
from app.processes.ingest import WRITERS, quiet_collector
from core import sql
from core.clock import SystemClock
from core.database import Connection, Database
from core.ports import Message
from core.topics import Kind, device_root, partition
from ingest import store
from ingest.attribution import attribute
from ingest.homes import Homes
from ingest.intake import Reported, take_in
from ingest.lane import TOGETHER
from ingest.recent import Recent
from simulators.generator import Who, stamp
from simulators.reporting import payload

BATCH = TOGETHER.size
ROUNDS = 9
_HEADER_BYTES = 19  # signature, flags and extension length of a binary COPY stream
_TRAILER = b"\xff\xff"
_QUERIES = sql.load("app.bench")


@dataclass(frozen=True, slots=True)
class Written:
    """Rows/s of the medians, and every (first seq, count) written, by device."""

    limit_rows_s: float
    writer_rows_s: float
    sent: dict[str, tuple[int, int]]


def measure(bed: Testbed, *, events: int) -> Written:
    """Write about `events` events in rounds. Raises `DatabaseAway`."""
    quiet_collector()
    clock = SystemClock()
    devices = bed.devices
    each = max(1, events // ROUNDS // len(devices))
    first = int(clock.now().timestamp() * 1_000_000)
    database = Database(bed.dsn, application="doorguard-bench-writer")
    database.open()
    recents = [Recent() for _ in range(WRITERS)]
    limits: list[float] = []
    writers: list[float] = []
    try:
        with bed.connect() as conn:
            conn.execute("DROP TABLE IF EXISTS bench_heap")
            conn.execute(_QUERIES["make_heap"])
            conn.commit()
            for number in range(ROUNDS):
                start = first + number * each
                shares = [
                    _decoded(share, start, each, clock) for share in _shared(devices) if share
                ]
                writers.append(_rate(database, list(zip(recents, shares, strict=False)), clock))
                n = each * len(devices)
                rows = _rows(conn, devices, start)
                if len(rows) != n:
                    raise AssertionError(f"{n} events written, {len(rows)} rows found")
                limits.append(n / _copy(conn, rows, clock))
            conn.execute("DROP TABLE bench_heap")
    finally:
        database.close()
    return Written(
        limit_rows_s=statistics.median(limits),
        writer_rows_s=statistics.median(writers),
        sent={who.device: (first, ROUNDS * each) for who in devices},
    )


def _shared(devices: Sequence[Who]) -> list[list[Who]]:
    """Deal the devices to the writers by partition, as a lane does."""
    shares: list[list[Who]] = [[] for _ in range(WRITERS)]
    for who in devices:
        shares[(int(partition(who.device), 16) >> 3) % WRITERS].append(who)
    return shares


def _rate(
    database: Database, work: list[tuple[Recent, list[list[Reported]]]], clock: SystemClock
) -> float:
    """Write everything, a thread a writer; return events/s."""
    began_s = clock.monotonic_s()
    with ThreadPoolExecutor(len(work)) as pool:
        writing = [pool.submit(_write, database, recent, share, clock) for recent, share in work]
        for one in writing:
            one.result()
    took_s = clock.monotonic_s() - began_s
    return sum(len(batch) for _, share in work for batch in share) / took_s


def _decoded(
    devices: Sequence[Who], first: int, each: int, clock: SystemClock
) -> list[list[Reported]]:
    """Return the events of all devices, interleaved, as ingest has them after decoding."""
    at = stamp()
    topics = [f"{device_root(who.device)}/{Kind.EVENT}" for who in devices]
    messages = [
        Message(topic, payload(seq, at, asks=False))
        for seq in range(first, first + each)
        for topic in topics
    ]
    intake = take_in(messages, lane="event", now=clock.now())
    if len(intake.reported) != len(messages):
        raise AssertionError("the bench's own events do not decode")
    return [intake.reported[n : n + BATCH] for n in range(0, len(messages), BATCH)]


def _write(
    database: Database, recent: Recent, batches: list[list[Reported]], clock: SystemClock
) -> None:
    """Take batches to committed rows, each step as `ingest.writer` does it."""
    homes = Homes(clock)
    for batch in batches:
        unknown, hopes = recent.look(batch)
        with database.transaction() as conn:
            rows, _refused = attribute(conn, homes, unknown, clock.now())
            store.store_separating(conn, rows, hopes)
        recent.note([one for one, _ in rows])


def _rows(conn: Connection, devices: Sequence[Who], first: int) -> list[bytes]:
    """Return the rows from `first` on, each packed as the server packs it for binary COPY."""
    rows: list[bytes] = []
    wanted = {"devices": [who.device for who in devices], "first": first}
    with conn.cursor() as cursor, cursor.copy(_QUERIES["copy_out"], wanted) as copy:
        rows.extend(bytes(piece) for piece in copy)
    conn.commit()
    rows[0] = rows[0][_HEADER_BYTES:]
    if rows[-1] == _TRAILER:
        rows.pop()
    else:
        rows[-1] = rows[-1].removesuffix(_TRAILER)
    return rows


def _copy(conn: Connection, rows: list[bytes], clock: SystemClock) -> float:
    """Copy prepared rows into the heap, a transaction a batch; return the seconds."""
    header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    streams = [
        b"".join((header, *rows[n : n + BATCH], _TRAILER)) for n in range(0, len(rows), BATCH)
    ]
    began_s = clock.monotonic_s()
    for stream in streams:
        with conn.cursor() as cursor, cursor.copy(_QUERIES["copy_heap"]) as copy:
            copy.write(stream)
        conn.commit()
    return clock.monotonic_s() - began_s
