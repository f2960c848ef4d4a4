"""What an event leaves in an incident: its row, its words in the log, what it tells."""

from __future__ import annotations

import msgspec

from alerts.audit import Detail
from alerts.evidence import evidence_in
from alerts.transition import Incident
from alerts.validation import Reason, reasons_of
from core import sql
from core.catalogue import Source
from core.database import Connection
from core.model import Event

_QUERIES = sql.load("alerts")


def known(conn: Connection, event: Event) -> int | None:
    """Return the incident that took this very event before."""
    row = conn.execute(_QUERIES["incident_of_event"], _identity(event)).fetchone()
    return int(row["incident_id"]) if row else None


def evidence_of(event: Event, follows: tuple[str, ...] = ()) -> tuple[Reason, ...]:
    """Return what the event tells, and what those tell that it follows at this home."""
    earlier = (reason for name in follows for reason in reasons_of(name, pictured=False))
    pictured = event.source is Source.DETECTOR and bool(
        evidence_in(msgspec.json.decode(event.data))
    )
    return (*reasons_of(event.type, pictured=pictured), *earlier)


def actor_of(event: Event) -> str:
    """Return who acts in the log."""
    return f"device:{event.device_id}"


def named(event: Event, rule: str | None = None) -> Detail:
    """Return how the log names the event, and the rule that decided."""
    words: Detail = {"type": event.type, "device": event.device_id, "seq": event.seq}
    return {**words, "rule": rule} if rule else words


def _identity(event: Event) -> dict[str, object]:
    return {
        "household_id": event.household_id,
        "at": event.at,
        "device_id": event.device_id,
        "seq": event.seq,
        "source": event.source,
    }


def add_event(conn: Connection, incident: Incident, event: Event) -> None:
    """Put the event among those of the incident."""
    conn.execute(
        _QUERIES["add_incident_event"],
        {
            **_identity(event),
            "incident_id": incident.incident_id,
            "type": event.type,
            "data": event.data.decode(),
        },
    )
