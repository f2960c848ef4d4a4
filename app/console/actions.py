"""What an operator does at the board: each in one transaction, under the operator's own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import board, incidents, responders
from alerts.audit import record_access
from alerts.board import IncidentCard
from alerts.ranking import Position, distance_m
from app.accounts.permissions import Right, permit, reason
from app.accounts.principal import Principal
from app.accounts.sessions import resume_session
from app.api.desk import Desk, deciding, incident_place
from app.console.judging import Finding
from core import sql
from core.database import Connection
from core.errors import NotFound

_QUERIES = sql.load("app.console")


@dataclass(frozen=True, slots=True)
class Choice:
    """A responder whom an operator may send by name."""

    responder_id: str
    name: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident in detail, and who could be sent."""

    card: IncidentCard
    choices: tuple[Choice, ...]


def whoami(desk: Desk, conn: Connection, session: Mapping[str, Any], right: Right) -> Principal:
    """Return whose session this is; raise `Refused` when it ended, `Denied` without the right."""
    who = resume_session(conn, session, desk.clock.now())
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
        card = board.card(conn, incident_id)
        if card.closed_at is not None:
            raise NotFound(f"incident {incident_id} is closed")
        _record(conn, who, "incident", card, now)
        return Opened(card, _choices(conn, card))


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


def _choices(conn: Connection, card: IncidentCard) -> tuple[Choice, ...]:
    place = conn.execute(_QUERIES["home_position"], {"household_id": card.household_id}).fetchone()
    if place is None:
        return ()
    home = Position(place["lat"], place["lon"])
    found = [
        Choice(row["responder_id"], row["name"], distance_m(home, Position(row["lat"], row["lon"])))
        for row in responders.list_all(conn)
        if row["kind"] != "engineer"
    ]
    return tuple(sorted(found, key=lambda one: one.distance_m))


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


def evidence_key(desk: Desk, session: Mapping[str, Any], incident_id: int, sha256: str) -> str:
    """Return the object key of an incident's picture, with the look in the access log."""
    with _acting(desk, session, incident_id) as (conn, who, now):
        card = board.card(conn, incident_id)
        key = next((line.key for line in card.evidence if line.sha256 == sha256), None)
        if key is None:
            raise NotFound("no such evidence of this incident")
        _record(conn, who, "evidence", card, now)
        return key
