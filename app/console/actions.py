"""What an operator does at the board: each in one transaction, under the operator's own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from alerts import board, emergency_calls, incidents
from alerts.audit import record_access
from alerts.board import IncidentCard
from alerts.emergency_calls import Call
from alerts.emergency_script import Outcome, Service
from app.accounts.permissions import Right, permit, reason
from app.accounts.principal import Principal
from app.accounts.sessions import resume_session
from app.api.desk import Desk, deciding, incident_place
from app.console import desk_state
from app.console.judging import Finding
from app.console.surroundings import Opened, around
from core.database import Connection
from core.errors import NotFound, PermanentError


def whoami(
    desk: Desk, conn: Connection, session: Mapping[str, Any], right: Right | None
) -> Principal:
    """Return whose session this is; raise `Refused` when it ended, `Denied` without the right."""
    who = resume_session(conn, session, desk.clock.now())
    if right is not None:
        permit(who, right)
    return who


def check(desk: Desk, session: Mapping[str, Any], right: Right = Right.BOARD) -> Principal:
    """Return who sits there; raises `Refused`, `DatabaseAway`."""
    with deciding(desk) as conn:
        return whoami(desk, conn, session, right)


@contextmanager
def _acting(
    desk: Desk, session: Mapping[str, Any], incident_id: int
) -> Iterator[tuple[Connection, Principal, datetime]]:
    """Lend a transaction, who acts on this incident in it, and the time."""
    with deciding(desk) as conn:
        who, now = whoami(desk, conn, session, Right.HANDLE), desk.clock.now()
        place = incident_place(conn, incident_id, now)
        reason(who, Right.HANDLE, place.household_id, place)
        yield conn, who, now


def open_detail(desk: Desk, session: Mapping[str, Any], incident_id: int) -> Opened:
    """Read an open incident, with the look in the access log; raises `NotFound`, `Refused`."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        card = _open_card(conn, incident_id)
        _record(conn, who, "incident", card, now)
        return around(conn, card, now)


def follow(desk: Desk, session: Mapping[str, Any], incident_id: int) -> Opened:
    """Read it again while it stays on the screen: still the look that its opening has logged."""
    with _acting(desk, session, incident_id) as (conn, _, now):
        return around(conn, _open_card(conn, incident_id), now)


def _open_card(conn: Connection, incident_id: int) -> IncidentCard:
    card = board.card(conn, incident_id)
    if card.closed_at is not None:
        raise NotFound(f"incident {incident_id} is closed", "incident.closed")
    return card


def _record(
    conn: Connection, who: Principal, action: str, card: IncidentCard, now: datetime
) -> None:
    record_access(
        conn,
        actor=who.user_id,
        action=action,
        household_id=card.household_id,
        now=now,
        detail={
            "reason": "incident",
            "incident_id": card.incident_id,
            "role": who.role.value,
        },
    )


def acknowledge(desk: Desk, session: Mapping[str, Any], incident_id: int) -> None:
    """Take an incident in hand; raises `Conflict` naming who was first."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.acknowledge(conn, incident_id, actor=who.user_id, now=now)


def take_over(desk: Desk, session: Mapping[str, Any], incident_id: int) -> None:
    """Take an incident out of another operator's hands."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.take_over(conn, incident_id, actor=who.user_id, now=now)


def verify(desk: Desk, session: Mapping[str, Any], incident_id: int) -> None:
    """Note that the operator looks or telephones; raises `Conflict` in other hands."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.verify(conn, incident_id, actor=who.user_id, now=now)


def set_level(
    desk: Desk, session: Mapping[str, Any], incident_id: int, level: int, why: str
) -> None:
    """Raise or lower the validation level with a reason."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.set_level(conn, incident_id, actor=who.user_id, now=now, level=level, why=why)


def dispatch(
    desk: Desk, session: Mapping[str, Any], incident_id: int, responder_id: str | None
) -> bool:
    """Page a responder, the suggested next when None; False when there is nobody to page."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        page_id = incidents.dispatch(
            conn,
            incident_id,
            actor=who.user_id,
            now=now,
            settings=desk.settings,
            responder_id=responder_id,
        )
        return page_id is not None


def close(desk: Desk, session: Mapping[str, Any], incident_id: int, finding: Finding) -> None:
    """End an incident with its finding."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.close(
            conn,
            incident_id,
            actor=who.user_id,
            now=now,
            outcome=finding.outcome,
            note=finding.note.strip(),
            cause=finding.cause,
            duplicate_of=finding.duplicate_of,
        )


def note(desk: Desk, session: Mapping[str, Any], incident_id: int, text: str) -> None:
    """Write a note into the incident's log. Raises `PermanentError` for an empty one."""
    if not text.strip():
        raise PermanentError("an empty note tells nothing", "text.empty")
    with _acting(desk, session, incident_id) as (conn, who, now):
        incidents.add_note(conn, incident_id, actor=who.user_id, now=now, note=text.strip())


def park(desk: Desk, session: Mapping[str, Any], incident_id: int, for_s: float, why: str) -> None:
    """Set an incident aside for a time."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        desk_state.park(conn, incident_id, actor=who.user_id, now=now, for_s=for_s, why=why)


def unpark(desk: Desk, session: Mapping[str, Any], incident_id: int) -> None:
    """Bring a parked incident back."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        desk_state.unpark(conn, incident_id, actor=who.user_id, now=now)


def tick(desk: Desk, session: Mapping[str, Any], incident_id: int, step: str, done: bool) -> None:
    """Tick a step of the incident's script, or take the tick back."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        desk_state.tick(conn, incident_id, actor=who.user_id, now=now, step=step, done=done)


def calls(desk: Desk, session: Mapping[str, Any], incident_id: int) -> list[Call]:
    """Return the calls to police, fire and the counselling line, in the order of their begin."""
    with _acting(desk, session, incident_id) as (conn, _, _):
        kind = board.card(conn, incident_id).kind
        return emergency_calls.calls_of(conn, incident_id, kind)


def begin_call(desk: Desk, session: Mapping[str, Any], incident_id: int, service: Service) -> Call:
    """Begin a call, or return the one that is under way with this service."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        return emergency_calls.begin(conn, incident_id, service, actor=who.user_id, now=now)


def tick_call(
    desk: Desk, session: Mapping[str, Any], incident_id: int, call_id: int, step: str, done: bool
) -> Call:
    """Tick a step of a call, or take the tick back; raises `Conflict` for one that has ended."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        return emergency_calls.tick(
            conn, incident_id, call_id, step, done=done, actor=who.user_id, now=now
        )


def end_call(
    desk: Desk,
    session: Mapping[str, Any],
    incident_id: int,
    call_id: int,
    outcome: Outcome,
    spoken_to: str,
    reference: str,
) -> Call:
    """End a call; raises `Conflict` naming what a call that was taken lacks."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        return emergency_calls.end(
            conn,
            incident_id,
            call_id,
            outcome=outcome,
            spoken_to=spoken_to.strip(),
            reference=reference.strip(),
            actor=who.user_id,
            now=now,
        )


def write_shift_note(desk: Desk, session: Mapping[str, Any], text: str) -> None:
    """Tell the next shift something."""
    with deciding(desk) as conn:
        who = whoami(desk, conn, session, Right.BOARD)
        desk_state.write_shift_note(conn, actor=who.user_id, now=desk.clock.now(), text=text)


def evidence_key(desk: Desk, session: Mapping[str, Any], incident_id: int, sha256: str) -> str:
    """Return the object key of an incident's picture, with the look in the access log."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        card = board.card(conn, incident_id)
        key = next((line.key for line in card.evidence if line.sha256 == sha256), None)
        if key is None:
            raise NotFound("no such evidence of this incident", "evidence.unknown")
        _record(conn, who, "evidence", card, now)
        return key
