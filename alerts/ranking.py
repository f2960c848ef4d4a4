"""Who is asked first: the nearest responder on shift. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from math import asin, cos, radians, sin, sqrt

from alerts.policy import KINDS_OF, OF_DISTRICT, SYNTHETIC, Whom
from alerts.shifts import ALWAYS, Duty, ends_at, on_duty, zone_of

_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


@dataclass(frozen=True, slots=True)
class Position:
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Responder:
    """What ranking needs of a responder.

    `district` '' is everywhere. With `households` (a resident's family) only for these homes.
    """

    responder_id: str
    kind: str
    position: Position
    duty: Duty = ALWAYS
    district: str = ""
    households: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody would go."""

    household_id: str
    position: Position
    district: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One responder who can be asked, how far away, and when their duty ends if it does soon."""

    responder_id: str
    distance_m: float
    off_at: datetime | None = None


def distance_m(one: Position, other: Position) -> float:
    """Return the great-circle distance in metres (haversine)."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other.lon - one.lon) / 2
    h = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


def local_time(at: datetime, timezone: str) -> time:
    """Return the time of day on the wall in `timezone` (an IANA name)."""
    return at.astimezone(zone_of(timezone)).time()


def belongs(responder: Responder, whom: Whom, home: Home) -> bool:
    """Return whether the responder is one of those who are asked for this home.

    A guard or a crew may go to any district, nearest first; supervisors, officers and whoever is
    asked as `Whom.ZONE` belong to the home's.
    """
    if (responder.responder_id == SYNTHETIC) != (whom is Whom.SYNTHETIC):
        return False
    if responder.households and home.household_id not in responder.households:
        return False
    if whom in OF_DISTRICT and responder.district not in {home.district, *_anywhere(whom)}:
        return False
    return whom is Whom.SYNTHETIC or responder.kind in KINDS_OF[whom]


def _anywhere(whom: Whom) -> tuple[str, ...]:
    """Return '' where a responder without a district stands for all of them."""
    return () if whom is Whom.ZONE else ("",)


def rank(
    home: Home,
    responders: Iterable[Responder],
    now: datetime,
    timezone: str,
    already: Collection[str] = (),
    *,
    whom: Whom = Whom.FIELD,
) -> list[Ranked]:
    """Return who can be asked now, nearest first, equals in the order given.

    Left out: who is not on duty at `now` in `timezone` (an IANA name), who stands in `already`,
    and who does not belong to `whom` (engineers never go to a home).
    """
    ends: dict[Duty, datetime | None] = {}

    def off_at(duty: Duty) -> datetime | None:
        if duty not in ends:
            ends[duty] = ends_at(duty, now, timezone)
        return ends[duty]

    ranked = [
        Ranked(one.responder_id, distance_m(home.position, one.position), off_at(one.duty))
        for one in responders
        if one.responder_id not in already
        and belongs(one, whom, home)
        and on_duty(one.duty, now, timezone)
    ]
    return sorted(ranked, key=lambda one: one.distance_m)
