"""Whose home an event belongs to and where it stands in time: for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core import sql
from core.catalogue import CATALOGUE, Source
from core.database import Connection
from core.errors import DecodeError
from core.model import Event
from ingest.assignments import household_at
from ingest.homes import NOBODY, Homes, Standing
from ingest.intake import Key, Reported
from ingest.placement import MAX_AHEAD, MAX_BEHIND

_QUERIES = sql.load("ingest")

Row = tuple[Reported, Event]
Refusal = tuple[Reported, DecodeError]


def attribute(
    conn: Connection, homes: Homes, reported: Sequence[Reported], now: datetime
) -> tuple[list[Row], list[Refusal]]:
    """Give each event its home and its place in time; refuse those of devices without a home."""
    if not reported:
        return [], []
    known = homes.look(conn, {one.device for one in reported})
    earliest, latest = now - MAX_BEHIND, now + MAX_AHEAD
    doubtful = [
        one
        for one in reported
        if not earliest <= one.message.at <= latest or known.get(one.device, NOBODY).was_placed
    ]
    places = _places(conn, doubtful, known, now) if doubtful else {}
    rows: list[Row] = []
    refused: list[Refusal] = []
    for one in reported:
        event, standing = one.message, known.get(one.device, NOBODY)
        at = places.get(one.key, event.at) if places else event.at
        household = standing.always
        if household is None:
            household = household_at(standing.assignments, at)
            if household is None and CATALOGUE[event.type].alarm:
                # a clock a little off around an exchange must not cost an SOS: who it serves now
                household = household_at(standing.assignments, now)
        if household is None:
            reason = "unassigned" if standing.assignments else "unknown_device"
            error = DecodeError(reason, f"{one.device} served no home then", seq=event.seq)
            refused.append((one, error))
            continue
        off = at != event.at
        row = Event(
            household,
            at,
            one.device,
            event.seq,
            one.source,
            event.type,
            now,
            bytes(event.data),
            event.at if off else None,
            off,
        )
        rows.append((one, row))
    return rows, refused


def _places(
    conn: Connection, doubtful: Sequence[Reported], known: Mapping[str, Standing], now: datetime
) -> dict[Key, datetime]:
    """Return where those stand whose clock is off, or was when they were first received."""
    placed_before = [one for one in doubtful if known.get(one.device, NOBODY).was_placed]
    places = _known_places(conn, placed_before)
    earliest, latest = now - MAX_BEHIND, now + MAX_AHEAD
    off_now = [
        one
        for one in doubtful
        if not earliest <= one.message.at <= latest
        and one.device in known
        and one.key not in places
    ]
    return places | _new_places(conn, off_now, known, now)


def _known_places(conn: Connection, reported: Sequence[Reported]) -> dict[Key, datetime]:
    """Return where events of clocks that were off have been put before."""
    if not reported:
        return {}
    found = conn.execute(_QUERIES["placements"], _columns([one.key for one in reported]))
    return _by_key(found.fetchall())


def _new_places(
    conn: Connection,
    reported: Sequence[Reported],
    known: Mapping[str, Standing],
    now: datetime,
) -> dict[Key, datetime]:
    """Place what comes from a clock that is off: as reported where it is stored so, else now."""
    if not reported:
        return {}
    stored: dict[Key, datetime] = {}
    homes = [household_at(known[one.device].assignments, one.message.at) for one in reported]
    keys = [one.key for one in reported]
    columns = {**_columns(keys), "households": homes}
    for row in conn.execute(_QUERIES["stored_as_reported"], columns).fetchall():
        stored[row["device_id"], Source(row["source"]), row["seq"], row["at"]] = row["at"]
    return {**stored, **place(conn, [key for key in keys if key not in stored], now)}


def place(conn: Connection, keys: Iterable[Key], now: datetime) -> dict[Key, datetime]:
    """Return when each was first received; a retry gets the answer of the first call."""
    distinct = sorted(set(keys))
    if not distinct:
        return {}
    columns = {**_columns(distinct), "now": now}
    return _by_key(conn.execute(_QUERIES["place"], columns).fetchall())


def _columns(keys: Sequence[Key]) -> dict[str, Any]:
    return {
        "devices": [device for device, _, _, _ in keys],
        "sources": [str(source) for _, source, _, _ in keys],
        "seqs": [seq for _, _, seq, _ in keys],
        "reported": [at for _, _, _, at in keys],
    }


def _by_key(rows: Iterable[dict[str, Any]]) -> dict[Key, datetime]:
    return {
        (row["device_id"], Source(row["source"]), row["seq"], row["reported_at"]): row["placed_at"]
        for row in rows
    }
