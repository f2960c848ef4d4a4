"""Who is asked first: whoever is expected to be there first. Pure.

The expected time of arrival is that of a road service where one has answered lately, else the
distance with a street factor; from where somebody was seen last, which counts the less the older
it is, and from their station. What speaks against asking is added as seconds: a duty that ends
before, another job, a foreign zone, a missing skill.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from operator import itemgetter

import msgspec

from alerts.eta import street_factor
from alerts.policy import KINDS_OF, OF_DISTRICT, SYNTHETIC, WANTED_SKILL, Whom
from alerts.shifts import ALWAYS, Duty, WeeklyShift, ends_at, on_duty, zone_of
from core.ports import Mode

# Until somebody is on their way: dressed and at the car, or already out walking.
SET_OUT_S = {"crew": 60.0, "guard": 30.0, "guardian": 180.0}
_SET_OUT_S = 120.0
MODES: dict[str, Mode] = {"crew": "drive", "guard": "walk", "guardian": "walk"}
_PACE = (_SET_OUT_S, street_factor.travel_s(1.0, "drive"))
_PACES = {
    kind: (SET_OUT_S[kind], street_factor.travel_s(1.0, mode)) for kind, mode in MODES.items()
}
# A position loses half of its weight in a quarter of an hour; an hour old it counts a sixteenth.
HALF_LIFE_S = 900.0
ON_A_JOB_S = 900.0  # they would have to leave somebody
ASKED_ELSEWHERE_S = 120.0  # they may be gone in a moment
FOREIGN_ZONE_S = 60.0  # does not know it, and is missing in their own
WITHOUT_SKILL_S = 60.0
OFF_BEFORE_S = 300.0  # would be off duty before they are there; they go all the same


@dataclass(frozen=True, slots=True)
class Position:
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Fix:
    """Where somebody was at a time, give or take `accuracy_m`."""

    position: Position
    accuracy_m: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Routed:
    """What a road service said at a time, once under way."""

    travel_s: float
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Responder:
    """What ranking needs of a responder; `position` is their station.

    `district` '' is everywhere. With `households` (a resident's family) only for these homes.
    `on_jobs` and `asked` count other incidents.
    """

    responder_id: str
    kind: str
    position: Position
    duty: Duty = ALWAYS
    district: str = ""
    households: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    fix: Fix | None = None
    routed: Routed | None = None
    on_jobs: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody would go."""

    household_id: str
    position: Position
    district: str = ""


class Ranked(msgspec.Struct, frozen=True, gc=False):
    """One responder who can be asked: how far away, when expected, and when their duty ends.

    `off_at` is None when it does not end soon; `eta_s` None when nobody has reckoned.
    """

    responder_id: str
    distance_m: float
    off_at: datetime | None = None
    eta_s: float | None = None
    eta_by: str = ""


def distance_m(one: Position, other: Position) -> float:
    """Return the great-circle distance in metres."""
    return street_factor.distance_m(one.lat, one.lon, other.lat, other.lon)


def local_time(at: datetime, timezone: str) -> time:
    """Return the time of day on the wall in `timezone` (an IANA name)."""
    return at.astimezone(zone_of(timezone)).time()


def mode_of(kind: str) -> Mode:
    """Return how responders of a kind move."""
    return MODES.get(kind, "drive")


def freshness(age_s: float) -> float:
    """Return what a position of this age counts against the station, 1 to 0."""
    return float(0.5 ** (age_s / HALF_LIFE_S)) if age_s > 0 else 1.0


def expected_m(one: Responder, to: Position, now: datetime) -> float:
    """Return the great-circle distance that is to be expected, metres."""
    if one.fix is None:
        return distance_m(one.position, to)
    seen_m = distance_m(one.fix.position, to) + one.fix.accuracy_m
    weight = freshness((now - one.fix.at).total_seconds())
    return weight * seen_m + (1 - weight) * distance_m(one.position, to)


def rank(
    home: Home,
    responders: Iterable[Responder],
    now: datetime,
    timezone: str,
    already: Collection[str] = (),
    *,
    whom: Whom = Whom.FIELD,
    incident_kind: str = "",
) -> list[Ranked]:
    """Return who can be asked now, the best first, equals in the order given.

    Left out: who is not on duty at `now` in `timezone` (an IANA name), who stands in `already`,
    and who does not belong to `whom` (engineers never go to a home).
    """
    belongs, standing = _belonging(whom, home), _standing(now, timezone)
    wanted = WANTED_SKILL.get(incident_kind)
    found: list[tuple[float, Ranked]] = []
    for one in responders:
        if one.responder_id in already or not belongs(one):
            continue
        there, off_at = standing(one.duty)
        if there:
            ranked = expected(one, home, now, off_at)
            found.append((_cost_s(one, home, now, ranked, wanted), ranked))
    found.sort(key=itemgetter(0))
    return [ranked for _, ranked in found]


def _belonging(whom: Whom, home: Home) -> Callable[[Responder], bool]:
    """Return who is one of those who are asked for this home.

    A guard or a crew may go to any district; supervisors and officers belong to the home's or to
    all, whoever is asked as `Whom.ZONE` to the home's.
    """
    if whom is Whom.SYNTHETIC:
        return lambda one: one.responder_id == SYNTHETIC
    kinds, household_id = KINDS_OF[whom], home.household_id
    districts = None
    if whom in OF_DISTRICT:
        districts = {home.district} if whom is Whom.ZONE else {home.district, ""}

    def belongs(one: Responder) -> bool:
        return (
            one.kind in kinds
            and (districts is None or one.district in districts)
            and (not one.households or household_id in one.households)
            and one.responder_id != SYNTHETIC
        )

    return belongs


def _standing(now: datetime, timezone: str) -> Callable[[Duty], tuple[bool, datetime | None]]:
    """Return how a duty stands: whether on duty, and when it ends; the same shifts once only."""
    known: dict[tuple[WeeklyShift, ...], tuple[bool, datetime | None]] = {(): (True, None)}

    def look(duty: Duty) -> tuple[bool, datetime | None]:
        there = on_duty(duty, now, timezone)
        return there, ends_at(duty, now, timezone) if there else None

    def standing(duty: Duty) -> tuple[bool, datetime | None]:
        if duty.changes:
            return look(duty)
        found = known.get(duty.shifts)
        if found is None:
            found = known[duty.shifts] = look(duty)
        return found

    return standing


def expected(one: Responder, home: Home, now: datetime, off_at: datetime | None = None) -> Ranked:
    """Return how far away somebody is, and when they are expected."""
    metres = expected_m(one, home.position, now)
    set_out_s, s_per_m = _PACES.get(one.kind, _PACE)
    if one.routed is not None:
        eta_s, by = set_out_s + one.routed.travel_s, one.routed.by
    elif one.kind == "counsellor":  # who telephones
        eta_s, by = 0.0, "telephone"
    else:
        eta_s, by = set_out_s + metres * s_per_m, street_factor.NAME
    return Ranked(one.responder_id, metres, off_at, eta_s, by)


def _cost_s(one: Responder, home: Home, now: datetime, ranked: Ranked, wanted: str | None) -> float:
    cost_s = ranked.eta_s or 0.0
    if ranked.off_at is not None and (ranked.off_at - now).total_seconds() < cost_s:
        cost_s += OFF_BEFORE_S
    if one.on_jobs or one.asked:
        cost_s += ON_A_JOB_S * one.on_jobs + ASKED_ELSEWHERE_S * one.asked
    if one.district and one.district != home.district:
        cost_s += FOREIGN_ZONE_S
    if wanted is not None and wanted not in one.skills:
        cost_s += WITHOUT_SKILL_S
    return cost_s
