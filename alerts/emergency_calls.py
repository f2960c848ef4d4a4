"""Calls to police, fire and the counselling line: each step, who took it and their reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.audit import Detail
from alerts.emergency_script import (
    NUMBERS,
    OUTCOMES,
    SERVICES,
    Outcome,
    Service,
    Step,
    check_end,
    script,
)
from alerts.lifecycle import Move
from alerts.transition import Incident, apply, lock_open
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError

LONGEST = 200
_QUERIES = sql.load("alerts", "emergency_calls.sql")


@dataclass(frozen=True, slots=True)
class Call:
    """One hand-off. `steps` are those of its script, `done` the names of what was ticked."""

    call_id: int
    service: Service
    number: str
    steps: tuple[Step, ...]
    done: tuple[str, ...]
    begun_at: datetime
    begun_by: str
    spoken_to: str
    reference: str
    ended_at: datetime | None
    ended_by: str | None
    outcome: Outcome | None


def calls_of(conn: Connection, incident_id: int, kind: str) -> list[Call]:
    """Return the hand-offs of an incident of this kind, in the order in which they were begun."""
    rows = conn.execute(_QUERIES["calls"], {"incident_id": incident_id}).fetchall()
    return [
        Call(
            row["handoff_id"],
            row["service"],
            NUMBERS[row["service"]],
            script(row["service"], kind),
            tuple(row["done"]),
            row["begun_at"],
            row["begun_by"],
            row["spoken_to"],
            row["reference"],
            row["ended_at"],
            row["ended_by"],
            row["outcome"],
        )
        for row in rows
    ]


def begin(conn: Connection, incident_id: int, service: str, *, actor: str, now: datetime) -> Call:
    """Begin a call, or return the one that is under way. Raises `NotFound`, `Conflict`."""
    if service not in SERVICES:
        raise PermanentError(
            f"service {service[:40]!r}: one of {', '.join(SERVICES)}", "call.service"
        )
    incident = lock_open(conn, incident_id)
    values = {"incident_id": incident_id, "service": service, "now": now, "actor": actor}
    row = conn.execute(_QUERIES["begin"], values).fetchone()
    found = [
        call
        for call in calls_of(conn, incident_id, incident.kind)
        if call.service == service and call.ended_at is None
    ]
    if row is not None:
        _log(conn, incident, found[0], actor, now, {"step": "begun"})
    return found[0]


def tick(
    conn: Connection,
    incident_id: int,
    call_id: int,
    step: str,
    *,
    done: bool,
    actor: str,
    now: datetime,
) -> Call:
    """Tick a step, or take the tick back; again changes nothing. Raises `NotFound`, `Conflict`."""
    incident, call = _under_way(conn, incident_id, call_id)
    if step not in {one.name for one in call.steps}:
        raise NotFound(f"the script has no step {step[:40]!r}", "call.step")
    values = {"handoff_id": call_id, "step": step, "now": now, "actor": actor}
    changed = conn.execute(_QUERIES["tick" if done else "untick"], values).fetchone()
    if changed is not None:
        _log(conn, incident, call, actor, now, {"step": step, "done": done})
    return _under_way(conn, incident_id, call_id)[1]


def end(
    conn: Connection,
    incident_id: int,
    call_id: int,
    *,
    outcome: str,
    spoken_to: str = "",
    reference: str = "",
    actor: str,
    now: datetime,
) -> Call:
    """End a call; one that was taken needs its steps, and who took it.

    Raises `NotFound`, `PermanentError`, and `Conflict` naming what is missing.
    """
    if outcome not in OUTCOMES:
        raise PermanentError(f"outcome {outcome[:40]!r}: one of {', '.join(OUTCOMES)}", "call.end")
    if len(spoken_to) > LONGEST or len(reference) > LONGEST:
        raise PermanentError(f"at most {LONGEST} characters", "text.long", most=LONGEST)
    incident, call = _under_way(conn, incident_id, call_id)
    check_end(call.service, incident.kind, call.done, outcome, spoken_to)
    told = {"outcome": outcome, "spoken_to": spoken_to, "reference": reference}
    conn.execute(_QUERIES["end"], {"handoff_id": call_id, "now": now, "actor": actor, **told})
    note = " · ".join(one for one in (call.number, spoken_to, reference) if one)
    _log(conn, incident, call, actor, now, {**told, "note": note})
    return next(one for one in calls_of(conn, incident_id, incident.kind) if one.call_id == call_id)


def _under_way(conn: Connection, incident_id: int, call_id: int) -> tuple[Incident, Call]:
    incident = lock_open(conn, incident_id)
    for call in calls_of(conn, incident_id, incident.kind):
        if call.call_id == call_id:
            if call.ended_at is not None:
                raise Conflict(
                    f"this call was ended by {call.ended_by}", "call.ended", by=call.ended_by or ""
                )
            return incident, call
    raise NotFound(f"incident {incident_id} has no call {call_id}", "call.unknown")


def _log(
    conn: Connection, incident: Incident, call: Call, actor: str, now: datetime, more: Detail
) -> None:
    detail: Detail = {"call": call.call_id, "service": call.service, **more}
    apply(conn, incident, Move.HAND_OVER, actor=actor, now=now, detail=detail)
