"""What the desk keeps beside an incident's log: parked ones, steps of scripts, shift notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts import incidents
from alerts.transition import lock_open
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import PermanentError
from households.on_test import OnTest, homes_on_test

PARK_MIN, PARK_MAX = timedelta(minutes=1), timedelta(hours=12)
_NOTES_SHOWN = 5
_QUERIES = sql.load("app.console")


@dataclass(frozen=True, slots=True)
class Parked:
    """An incident set aside until a time."""

    parked_by: str
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """A step of a script that somebody ticked."""

    step: str
    done_by: str
    done_at: datetime


@dataclass(frozen=True, slots=True)
class ShiftNote:
    """What one shift tells the next."""

    note_id: int
    written_by: str
    written_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class DeskState:
    """All of it, of the open incidents, and which homes are on test."""

    parked: Mapping[int, Parked] = field(default_factory=dict)
    done: Mapping[int, tuple[Done, ...]] = field(default_factory=dict)
    notes: tuple[ShiftNote, ...] = ()
    on_test: Mapping[str, OnTest] = field(default_factory=dict)


def read(conn: Connection, now: datetime) -> DeskState:
    """Read it in the caller's transaction."""
    parked = {
        row["incident_id"]: Parked(row["parked_by"], row["until"], row["why"])
        for row in conn.execute(_QUERIES["parked"], {"now": now})
    }
    done: defaultdict[int, list[Done]] = defaultdict(list)
    for row in conn.execute(_QUERIES["steps_done"]):
        done[row["incident_id"]].append(Done(row["step"], row["done_by"], row["done_at"]))
    notes = conn.execute(_QUERIES["last_shift_notes"], {"limit": _NOTES_SHOWN}).fetchall()
    return DeskState(
        parked,
        {number: tuple(steps) for number, steps in done.items()},
        tuple(ShiftNote(**row) for row in notes),
        homes_on_test(conn, now),
    )


def park(
    conn: Connection, incident_id: int, *, actor: str, now: datetime, for_s: float, why: str
) -> None:
    """Set an incident aside; it comes back by itself. A life is never set aside.

    Raises `NotFound`, `Conflict` when it is over, `PermanentError` for what may not be parked.
    """
    incident = lock_open(conn, incident_id)
    if incident.priority == Priority.LIFE_SAFETY:
        raise PermanentError("a call for help is not parked", "park.life")
    if not why.strip():
        raise PermanentError("an incident is parked with a reason", "park.why")
    span = timedelta(seconds=for_s)
    if not PARK_MIN <= span <= PARK_MAX:
        raise PermanentError("an incident is parked for 1 minute to 12 hours", "park.span")
    given = {"incident_id": incident_id, "actor": actor, "now": now, "why": why.strip()}
    conn.execute(_QUERIES["park"], {**given, "until": now + span})
    note = f"parked for {for_s / 60:.0f} min: {why.strip()}"
    incidents.add_note(conn, incident_id, actor=actor, now=now, note=note)


def unpark(conn: Connection, incident_id: int, *, actor: str, now: datetime) -> None:
    """Bring a parked incident back; one that is not parked stays as it is."""
    if conn.execute(_QUERIES["unpark"], {"incident_id": incident_id}).rowcount:
        incidents.add_note(conn, incident_id, actor=actor, now=now, note="no longer parked")


def tick(
    conn: Connection, incident_id: int, *, actor: str, now: datetime, step: str, done: bool
) -> None:
    """Tick a step of the incident's script, or take the tick back; both stand in its log."""
    lock_open(conn, incident_id)
    given = {"incident_id": incident_id, "step": step, "actor": actor, "now": now}
    if conn.execute(_QUERIES["do_step" if done else "undo_step"], given).rowcount:
        note = f"script: {step} {'done' if done else 'taken back'}"
        incidents.add_note(conn, incident_id, actor=actor, now=now, note=note)


def write_shift_note(conn: Connection, *, actor: str, now: datetime, text: str) -> None:
    """Write what the next shift should know. Raises `PermanentError` for nothing."""
    if not text.strip():
        raise PermanentError("an empty note tells nothing", "text.empty")
    conn.execute(_QUERIES["write_shift_note"], {"actor": actor, "now": now, "text": text.strip()})
    conn.execute(_QUERIES["wake_boards"])
