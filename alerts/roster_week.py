"""One week of the roster as a supervisor reads it: who is on duty, where guards are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from alerts.responders import Kind
from alerts.rosters import duties
from alerts.shifts import ALWAYS, Change, Duty, on_duty, periods, span
from core import sql
from core.database import Connection

# The city's night patrol: four guards to a zone, 21:00 to 02:30, five nights a week.
GUARDS_PER_ZONE = 4
PATROL = (time(21, 0), time(2, 30))
PATROL_NIGHTS = 5
_WEEK_DAYS = 7
_QUERIES = sql.load("alerts", "rosters.sql")


@dataclass(frozen=True, slots=True)
class Person:
    """A responder in the week. `periods` are (begin, end), aware UTC; `always`: no shifts."""

    responder_id: str
    name: str
    kind: Kind
    district: str
    always: bool
    on_duty: bool
    periods: list[tuple[datetime, datetime]]
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Night:
    """How many guards of a zone are on duty all through the night that begins on `day`."""

    district: str
    day: date
    guards: int


@dataclass(frozen=True, slots=True)
class Week:
    """The local days from `first_day` to the sixth after it.

    `short` are the nights on which a zone that patrols has fewer than four guards; of a zone's
    nights the two weakest are its nights off.
    """

    first_day: date
    timezone: str
    people: list[Person]
    short: list[Night]


def monday_of(day: date) -> date:
    """Return the Monday of the day's ISO week."""
    return day - timedelta(days=day.isoweekday() - 1)


def week(conn: Connection, first_day: date, *, timezone: str, now: datetime) -> Week:
    """Read the week that begins on this local day."""
    since = span(first_day, time(), time(), timezone)[0]
    until = span(first_day + timedelta(days=_WEEK_DAYS - 1), time(), time(), timezone)[1]
    known = duties(conn, min(now, since))
    people = [
        _person(row, known.get(row["responder_id"], ALWAYS), since, until, timezone, now)
        for row in conn.execute(_QUERIES["people"]).fetchall()
    ]
    guards = {
        one.responder_id: (one.district, known.get(one.responder_id, ALWAYS))
        for one in people
        if one.kind == "guard" and not one.always
    }
    days = [first_day + timedelta(days=n) for n in range(_WEEK_DAYS)]
    return Week(first_day, timezone, people, short_nights(guards.values(), days, timezone))


def short_nights(
    guards: Iterable[tuple[str, Duty]], days: list[date], timezone: str
) -> list[Night]:
    """Return the nights on which a zone lacks guards, of those on which it should patrol. Pure.

    `guards` are (district, duty).
    """
    there: Counter[tuple[str, date]] = Counter()
    zones: set[str] = set()
    for district, duty in guards:
        zones.add(district)
        for day in days:
            begin, end = span(day, *PATROL, timezone)
            if periods(duty, begin, end, timezone) == [(begin, end)]:
                there[district, day] += 1
    short: list[Night] = []
    for zone in sorted(zones):
        nights = [Night(zone, day, there[zone, day]) for day in days]
        strongest = sorted(nights, key=lambda night: -night.guards)[:PATROL_NIGHTS]
        short += [night for night in strongest if night.guards < GUARDS_PER_ZONE]
    return sorted(short, key=lambda night: (night.district, night.day))


def _person(
    row: dict[str, Any],
    duty: Duty,
    since: datetime,
    until: datetime,
    timezone: str,
    now: datetime,
) -> Person:
    return Person(
        row["responder_id"],
        row["name"],
        row["kind"],
        row["district"],
        not duty.shifts,
        on_duty(duty, now, timezone),
        periods(duty, since, until, timezone),
        [one for one in duty.changes if one.start < until and (one.end is None or one.end > since)],
    )
