"""Events of the event lane that concern incidents, on their way to the alarms process.

A device that sends an SOS on the wrong topic must still be heard; faults and low batteries take
this road by design. The row is written with the event and taken with the incident.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from core import sql
from core.catalogue import CATALOGUE, Source
from core.database import Connection
from core.model import Event

_WEIGHED = frozenset(name for name, row in CATALOGUE.items() if row.weighed)
_INFORMING = frozenset(name for name, row in CATALOGUE.items() if row.informs)
_QUERIES = sql.load("ingest")


def hand_off(conn: Connection, events: Iterable[Event]) -> int:
    """Queue what the alarms process must see of these events; return how many.

    That is what may open or end an incident, wherever it happens, and what only explains one
    (`informs`), where one is open: people unlock their doors all day. One that is being opened
    in this very moment stays open, and an operator closes it.
    """
    weighed = [event for event in events if event.type in _WEIGHED]
    told = _open_homes(conn, {one.household_id for one in weighed if one.type in _INFORMING})
    rows = [one for one in weighed if one.type not in _INFORMING or one.household_id in told]
    if rows:
        conn.execute(
            _QUERIES["hand_off"],
            {
                "households": [event.household_id for event in rows],
                "at": [event.at for event in rows],
                "devices": [event.device_id for event in rows],
                "seqs": [event.seq for event in rows],
                "sources": [str(event.source) for event in rows],
                "types": [event.type for event in rows],
                "data": [event.data.decode() for event in rows],
            },
        )
        conn.execute(_QUERIES["notify_handoff"])
    return len(rows)


def _open_homes(conn: Connection, homes: Collection[str]) -> frozenset[str]:
    """Return those of the homes that have an open incident."""
    if not homes:
        return frozenset()
    rows = conn.execute(_QUERIES["homes_with_incidents"], {"households": list(homes)})
    return frozenset(row["household_id"] for row in rows)


def take(conn: Connection, *, now: datetime, limit: int = 100) -> list[Event]:
    """Claim queued events, oldest first; they are gone when the caller's transaction commits."""
    rows = conn.execute(_QUERIES["take_handoff"], {"limit": limit}).fetchall()
    rows.sort(key=lambda row: int(row["handoff_id"]))
    return [
        Event(
            household_id=row["household_id"],
            at=row["at"],
            device_id=row["device_id"],
            seq=row["seq"],
            source=Source(row["source"]),
            type=row["type"],
            received_at=now,
            data=row["data"].encode(),
        )
        for row in rows
    ]
