"""Events that may raise an alarm but came on the event lane, on their way to the alarms process.

A device that sends an SOS on the wrong topic must still be heard; faults and low batteries take
this road by design. The row is written with the event and taken with the incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core import sql
from core.catalogue import Source
from core.database import Connection
from core.model import Event
from ingest.store import raw_json

_QUERIES = sql.load("ingest")


def hand_off(conn: Connection, events: Iterable[Event]) -> int:
    """Queue events for the alarms process; return how many."""
    rows = [
        {
            "household_id": event.household_id,
            "at": event.at,
            "device_id": event.device_id,
            "seq": event.seq,
            "source": str(event.source),
            "type": event.type,
            "data": raw_json(event.data),
        }
        for event in events
    ]
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(_QUERIES["hand_off"], rows)
        conn.execute(_QUERIES["notify_handoff"])
    return len(rows)


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
