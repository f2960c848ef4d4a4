"""What stands around an incident while it is open: who can come and be called, the door's day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts import arrival, positions, responders
from alerts.board import IncidentCard
from alerts.ranking import Position, distance_m
from core import sql
from core.database import Connection

_DAY = timedelta(hours=24)
_FRESH = timedelta(minutes=15)
_QUERIES = sql.load("app.console")


@dataclass(frozen=True, slots=True)
class Choice:
    """A responder whom an operator may send by name: where seen lately, else their station."""

    responder_id: str
    name: str
    kind: str
    distance_m: float
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call for the home."""

    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True)
class DoorEvent:
    """One thing that happened at the door."""

    at: datetime
    type: str
    device_id: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident in detail with its surroundings; `home` is None without a position.

    `expected` is when those on the way will be there, by page.
    """

    card: IncidentCard
    choices: tuple[Choice, ...] = ()
    contacts: tuple[Contact, ...] = ()
    door_day: tuple[DoorEvent, ...] = ()
    home: Position | None = None
    cameras: tuple[str, ...] = ()
    expected: Mapping[int, datetime] = field(default_factory=dict)


def around(conn: Connection, card: IncidentCard, now: datetime) -> Opened:
    """Read the surroundings of an incident, in the caller's transaction."""
    home = _home(conn, card)
    given = {"household_id": card.household_id, "since": now - _DAY}
    return Opened(
        card,
        _choices(conn, home, now) if home else (),
        (*_guardians(conn, card), *_family(conn, card)),
        tuple(DoorEvent(**row) for row in conn.execute(_QUERIES["door_day"], given)),
        home,
        tuple(row["device_id"] for row in conn.execute(_QUERIES["cameras"], {**given, "now": now})),
        arrival.expectations(conn, card.incident_id, now=now),
    )


def _home(conn: Connection, card: IncidentCard) -> Position | None:
    given = {"household_id": card.household_id}
    row = conn.execute(_QUERIES["home_position"], given).fetchone()
    return Position(row["lat"], row["lon"]) if row else None


def _choices(conn: Connection, home: Position, now: datetime) -> tuple[Choice, ...]:
    fixes = positions.fixes_of(conn, now)
    found = []
    for row in conn.execute(_QUERIES["stations"]):
        fix = fixes.get(row["responder_id"])
        fresh = fix is not None and now - fix.at <= _FRESH
        at = fix.position if fix is not None and fresh else Position(row["lat"], row["lon"])
        far_m = distance_m(home, at)
        found.append(Choice(row["responder_id"], row["name"], row["kind"], far_m, at.lat, at.lon))
    return tuple(sorted(found, key=lambda one: one.distance_m))


def _guardians(conn: Connection, card: IncidentCard) -> list[Contact]:
    given = {"household_id": card.household_id}
    return [Contact(**row) for row in conn.execute(_QUERIES["guardians"], given)]


def _family(conn: Connection, card: IncidentCard) -> list[Contact]:
    """Return family among the responders: paged, so that no number of theirs is known."""
    return [
        Contact(row["name"], row["kind"], "")
        for row in responders.list_all(conn)
        if row["kind"] == "guardian" and card.household_id in (row["households"] or ())
    ]
