"""Travel times for open incidents: whom to ask about, and what was answered.

A page never waits for a road service: the first is planned by distance at once, and what the
service says stands in the database for the next, and for the clock of who is on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.crew import crew_for
from alerts.ranking import Home, Responder, mode_of
from core import sql
from core.database import Connection
from core.errors import DoorGuardError
from core.ports import Origin, TravelTimes

NEAREST = 20  # who is farther is hardly asked before the next look
_INCIDENTS = 20
_FRESH_S = 300.0  # a position older than this says less than the station
_QUERIES = sql.load("alerts.eta")


@dataclass(frozen=True, slots=True)
class Question:
    """For one incident: from where to where."""

    incident_id: int
    home: Home
    responders: tuple[str, ...]
    origins: tuple[Origin, ...]


def questions(conn: Connection, *, now: datetime, timezone: str) -> list[Question]:
    """Return what to ask for the open incidents, the most urgent first."""
    rows = conn.execute(_QUERIES["incidents"], {"limit": _INCIDENTS}).fetchall()
    return [one for row in rows if (one := _question(conn, row["incident_id"], now, timezone))]


def ask(service: TravelTimes, question: Question) -> tuple[dict[str, float], str]:
    """Ask outside of any transaction; return the seconds by responder, and why there are none."""
    home = question.home.position
    try:
        times = service.seconds(question.origins, home.lat, home.lon)
    except DoorGuardError as error:
        return {}, str(error)
    found = zip(question.responders, times, strict=True)
    return {name: time_s for name, time_s in found if time_s is not None}, ""


def keep(
    conn: Connection, question: Question, times_s: dict[str, float], *, by: str, now: datetime
) -> None:
    """Write what was answered; what closed incidents no longer need goes."""
    conn.execute(_QUERIES["forget"])
    conn.execute(
        _QUERIES["keep"],
        {
            "incident_id": question.incident_id,
            "responders": list(times_s),
            "times": list(times_s.values()),
            "by": by,
            "at": now,
        },
    )


def origin_of(one: Responder, now: datetime) -> Origin:
    """Return from where somebody sets out: where they were seen lately, or their station. Pure."""
    fix = one.fix
    fresh = fix is not None and (now - fix.at).total_seconds() <= _FRESH_S
    at = fix.position if fix is not None and fresh else one.position
    return Origin(at.lat, at.lon, mode_of(one.kind))


def _question(conn: Connection, incident_id: int, now: datetime, timezone: str) -> Question | None:
    ids = {"incident_id": incident_id}
    row = conn.execute(_QUERIES["incident"], ids).fetchone()
    if row is None:
        return None
    crew = crew_for(conn, incident_id, row["household_id"], row["kind"], timezone, now=now)
    accepted = {one["responder_id"] for one in conn.execute(_QUERIES["accepted"], ids).fetchall()}
    nearest = [one.responder_id for one in crew.rank((), now)[:NEAREST]]
    wanted = [one for one in crew.people if one.responder_id in accepted.union(nearest)]
    return _asked(incident_id, crew.home, wanted, now) if wanted else None


def _asked(incident_id: int, home: Home, wanted: Sequence[Responder], now: datetime) -> Question:
    return Question(
        incident_id,
        home,
        tuple(one.responder_id for one in wanted),
        tuple(origin_of(one, now) for one in wanted),
    )
