"""Rows into `events`: idempotent, by COPY into a staging table and one merge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.types.json import Json

from core import sql
from core.catalogue import CATALOGUE, Source
from core.database import Connection, Cursor
from core.errors import DecodeError
from core.model import Event
from ingest.assignments import history, household_at
from ingest.intake import Reported
from ingest.placement import clock_is_off

_QUERIES = sql.load("ingest")
_TYPES = [
    "text",
    "timestamptz",
    "text",
    "int8",
    "text",
    "text",
    "timestamptz",
    "timestamptz",
    "bool",
    "json",
]

Refusal = tuple[Reported, DecodeError]


def raw_json(data: bytes) -> Json:
    """Return a JSON parameter that carries the device's own bytes, not a copy made by a parser."""
    return Json(data, dumps=_as_it_came)


def _as_it_came(data: bytes) -> bytes:
    return data


def attribute(
    conn: Connection, reported: Sequence[Reported], now: datetime
) -> tuple[list[tuple[Reported, Event]], list[Refusal]]:
    """Give each event its home and its place in time; refuse those of devices without a home."""
    if not reported:
        return [], []
    devices = sorted({one.device for one in reported})
    assignments = history(conn.execute(_QUERIES["assignments"], {"devices": devices}).fetchall())
    placed = _placements(conn, reported)
    rows: list[tuple[Reported, Event]] = []
    refused: list[Refusal] = []
    for one in reported:
        event, known = one.message, assignments.get(one.device, [])
        at = placed.get((one.device, one.source, event.seq))
        if at is None:
            at = _place(conn, one, household_at(known, event.at), now)
        household = household_at(known, at)
        if household is None and CATALOGUE[event.type].alarm:
            # a clock a little off around an exchange must not cost an SOS: who it serves now
            household = household_at(known, now)
        if household is None:
            reason = "unassigned" if known else "unknown_device"
            error = DecodeError(reason, f"{one.device} served no home then", seq=event.seq)
            refused.append((one, error))
            continue
        off = at != event.at
        rows.append(
            (
                one,
                Event(
                    household_id=household,
                    at=at,
                    device_id=one.device,
                    seq=event.seq,
                    source=one.source,
                    type=event.type,
                    received_at=now,
                    data=bytes(event.data),
                    reported_at=event.at if off else None,
                    clock_off=off,
                ),
            )
        )
    return rows, refused


def _placements(
    conn: Connection, reported: Sequence[Reported]
) -> dict[tuple[str, Source, int], datetime]:
    found = conn.execute(
        _QUERIES["placements"],
        {
            "devices": [one.device for one in reported],
            "sources": [str(one.source) for one in reported],
            "seqs": [one.message.seq for one in reported],
            "reported": [one.message.at for one in reported],
        },
    ).fetchall()
    return {
        (row["device_id"], Source(row["source"]), row["seq"]): row["placed_at"] for row in found
    }


def _place(conn: Connection, one: Reported, household: str | None, now: datetime) -> datetime:
    """Return the reported time, or for a clock that is off the place of its first receipt."""
    at = one.message.at
    if not clock_is_off(at, now):
        return at
    key = {"device_id": one.device, "source": str(one.source), "seq": one.message.seq}
    if household is not None:
        as_reported = {**key, "household_id": household, "at": at}
        if conn.execute(_QUERIES["stored_as_reported"], as_reported).fetchone():
            return at
    return place_once(conn, one.device, one.source, one.message.seq, at, now)


def place_once(
    conn: Connection, device_id: str, source: Source, seq: int, reported_at: datetime, now: datetime
) -> datetime:
    """Return when an event was first received; a retry gets the answer of the first call."""
    row = conn.execute(
        _QUERIES["place"],
        {
            "device_id": device_id,
            "source": str(source),
            "seq": seq,
            "reported_at": reported_at,
            "placed_at": now,
        },
    ).fetchone()
    if row is None:
        raise AssertionError("an upsert returned no row")
    placed: datetime = row["placed_at"]
    return placed


def store(conn: Connection, events: Sequence[Event]) -> list[Event]:
    """Insert what is not there yet and return exactly that, in the order given.

    Raises `psycopg.DataError` when the database refuses a value; the caller finds which.
    """
    if not events:
        return []
    conn.execute(_QUERIES["make_staging"])
    with conn.cursor() as cursor:
        with cursor.copy(_QUERIES["copy_staging"]) as copy:
            copy.set_types(_TYPES)
            for event in events:
                copy.write_row(
                    (
                        event.household_id,
                        event.at,
                        event.device_id,
                        event.seq,
                        str(event.source),
                        event.type,
                        event.received_at,
                        event.reported_at,
                        event.clock_off,
                        raw_json(event.data),
                    )
                )
        _merge(cursor, events)
        new = {
            (row["household_id"], row["at"], row["device_id"], row["seq"], row["source"])
            for row in cursor.fetchall()
        }
    inserted: list[Event] = []
    for event in events:
        key = (event.household_id, event.at, event.device_id, event.seq, str(event.source))
        if key in new:
            new.discard(key)  # the same event twice in one batch counts once
            inserted.append(event)
    return inserted


def _merge(cursor: Cursor, events: Sequence[Event]) -> None:
    """Insert what is staged, making native partitions where the scheduler was too long away."""
    try:
        with cursor.connection.transaction():
            cursor.execute(_QUERIES["merge_staging"])
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name is not None:  # a rule of the table, not a missing partition
            raise
        make_partitions(cursor.connection, max(event.received_at for event in events))
        cursor.execute(_QUERIES["merge_staging"])


def store_separating(
    conn: Connection, rows: Sequence[tuple[Reported, Event]]
) -> tuple[list[Event], list[Refusal]]:
    """Like `store`, but a value the database refuses costs only its own event."""
    try:
        with conn.transaction():
            return store(conn, [event for _, event in rows]), []
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            reported = rows[0][0]
            reason = DecodeError("database", str(error)[:300], seq=reported.message.seq)
            return [], [(reported, reason)]
    half = len(rows) // 2
    first, refused_first = store_separating(conn, rows[:half])
    second, refused_second = store_separating(conn, rows[half:])
    return first + second, refused_first + refused_second


def may_alarm(event: Event) -> bool:
    """Say whether the alarms process must see an event: it may open an incident or restore one."""
    row = CATALOGUE[event.type]
    restored = (CATALOGUE[name].priority for name in row.restores)
    return row.alarm or row.priority is not None or any(p is not None for p in restored)


def make_partitions(conn: Connection, now: datetime) -> None:
    """Make the native partitions of the coming weeks; nothing to do on a hypertable."""
    conn.execute(_QUERIES["make_partitions"], {"now": now})
