"""Rows into `events`, once each: by COPY straight into the table, or by a staging table.

The straight road is twice as fast (docs/performance.md) and ends at the first duplicate; then the
batch goes over the staging table, where the unique index sorts out what is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from operator import attrgetter

import psycopg

from core import sql
from core.database import Connection
from core.errors import DecodeError
from core.model import Event
from ingest.attribution import Refusal, Row
from ingest.binary_copy import pack
from ingest.storage.partitions import make_partitions

_QUERIES = sql.load("ingest")
_HOME = attrgetter("household_id")

Road = Callable[[Connection, Sequence[Event], Sequence[bool]], list[Event]]


def store(
    conn: Connection, events: Sequence[Event], surely_new: Sequence[bool] | None = None
) -> list[Event]:
    """Insert what is not there yet and return exactly that, in the order given.

    `surely_new` says of each event whether it is expected to be new; without it all are. Being
    wrong costs time, nothing else. Raises `psycopg.DataError` or `IntegrityError` when the database
    refuses a value, with nothing stored; the caller finds which.
    """
    if not events:
        return []
    road: Road = _straight
    hopes = [True] * len(events) if surely_new is None else surely_new
    made = False
    while True:
        try:
            with conn.transaction():
                return road(conn, events, hopes)
        except psycopg.errors.UniqueViolation:
            if road is _staged:
                raise
            road = _staged
        except psycopg.errors.CheckViolation as error:
            # a rule of the table has a name; a missing partition has none
            if error.diag.constraint_name is not None or made:
                raise
            make_partitions(conn, max(event.received_at for event in events))
            made = True


def _straight(conn: Connection, events: Sequence[Event], hopes: Sequence[bool]) -> list[Event]:
    """Copy what is surely new into the table, and only the rest over the staging table."""
    if all(hopes):
        _copy(conn, "copy_events", events)
        return list(events)
    _copy(conn, "copy_events", list(compress(events, hopes)))
    doubtful = [event for event, hope in zip(events, hopes, strict=True) if not hope]
    new = {id(event) for event in _staged(conn, doubtful, hopes)}
    return [event for event, hope in zip(events, hopes, strict=True) if hope or id(event) in new]


def _staged(conn: Connection, events: Sequence[Event], _hopes: Sequence[bool]) -> list[Event]:
    conn.execute(_QUERIES["make_staging"])
    _copy(conn, "copy_staging", events)
    rows = conn.execute(_QUERIES["merge_staging"]).fetchall()
    conn.execute(_QUERIES["empty_staging"])
    new = {
        (row["household_id"], row["at"], row["device_id"], row["seq"], row["source"])
        for row in rows
    }
    inserted: list[Event] = []
    for event in events:
        key = (event.household_id, event.at, event.device_id, event.seq, event.source)
        if key in new:
            new.discard(key)  # the same event twice in one batch counts once
            inserted.append(event)
    return inserted


def _copy(conn: Connection, query: str, events: Sequence[Event]) -> None:
    if events:
        # in the index's order, which then changes page by page; and two transactions that bring
        # the same rows meet them in the same order, so that neither waits for the other in turn
        ordered = sorted(events, key=_HOME)
        with conn.cursor() as cursor, cursor.copy(_QUERIES[query]) as copy:
            copy.write(pack(ordered))


def store_separating(
    conn: Connection, rows: Sequence[Row], surely_new: Sequence[bool] | None = None
) -> tuple[list[Event], list[Refusal]]:
    """Like `store`, but a value the database refuses costs only its own event."""
    if not rows:
        return [], []
    try:
        return store(conn, [event for _, event in rows], surely_new), []
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            reported = rows[0][0]
            reason = DecodeError("database", str(error)[:300], seq=reported.message.seq)
            return [], [(reported, reason)]
    half = len(rows) // 2
    first, refused_first = store_separating(conn, rows[:half])
    second, refused_second = store_separating(conn, rows[half:])
    return first + second, refused_first + refused_second
