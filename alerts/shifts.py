"""When somebody is on duty: weekly shifts, swaps, breaks, absences. Pure.

A shift is told in local time and belongs to the day on which it begins; it may end on the next.
Where the clocks change, a time that comes twice begins early and ends late, and one that does not
come at all is the moment of the change: between two shifts that follow one another nobody is ever
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(1, 8))
_DAY = timedelta(days=1)
# How far ahead the end of a duty is looked for; a page matters for less than an hour.
_HORIZON = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class WeeklyShift:
    """On these ISO weekdays (1 Monday to 7 Sunday) from `start` until `end`, local time.

    `end` not after `start` is on the next day. It holds for days from `first_day` to `last_day`,
    both included; None is without a limit.
    """

    weekdays: frozenset[int]
    start: time
    end: time
    first_day: date | None = None
    last_day: date | None = None

    def begins_on(self, day: date) -> bool:
        """Say whether one begins on this local day."""
        return (
            day.isoweekday() in self.weekdays
            and (self.first_day is None or self.first_day <= day)
            and (self.last_day is None or day <= self.last_day)
        )


class ChangeKind(StrEnum):
    """What differs from the weekly shifts."""

    COVER = "cover"  # on duty instead of somebody, or in addition
    COVERED = "covered"  # somebody else is on duty instead
    BREAK = "break"
    SICK = "sick"
    LEAVE = "leave"


ABSENCES = frozenset({ChangeKind.BREAK, ChangeKind.SICK, ChangeKind.LEAVE})


@dataclass(frozen=True, slots=True)
class Change:
    """Holds in [start, end), aware UTC; without an end until it is withdrawn."""

    kind: ChangeKind
    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether it applies at this time."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Duty:
    """Everything that says when somebody is on duty; without shifts around the clock.

    `changes` stand in the order in which they were noted: of swaps the latest decides, so that a
    shift can be given back; an absence beats them all.
    """

    shifts: tuple[WeeklyShift, ...] = ()
    changes: tuple[Change, ...] = ()


ALWAYS = Duty()


@lru_cache(maxsize=16)
def zone_of(timezone: str) -> ZoneInfo:
    """Return the zone of an IANA name."""
    return ZoneInfo(timezone)


@lru_cache(maxsize=4096)
def span(day: date, start: time, end: time, timezone: str) -> tuple[datetime, datetime]:
    """Return the (begin, end) in UTC of a shift that begins on this local day."""
    last = day if end > start else day + _DAY
    return min(_readings(day, start, timezone)), max(_readings(last, end, timezone))


def _readings(day: date, at: time, timezone: str) -> tuple[datetime, datetime]:
    """Return the first and the last moment at which the clock shows this, UTC."""
    zone = zone_of(timezone)
    local = [datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1)]
    first, last = local[0].astimezone(UTC), local[1].astimezone(UTC)
    if first <= last:
        return first, last
    change = _change_between(last, first, zone)
    return change, change


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in (before, after] from which the zone's offset is the later one."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def occurrences(
    shifts: Iterable[WeeklyShift], since: datetime, until: datetime, timezone: str
) -> Iterator[tuple[datetime, datetime]]:
    """Give the (begin, end) of every shift that touches [since, until), in no order."""
    zone = zone_of(timezone)
    first, last = since.astimezone(zone).date() - 2 * _DAY, until.astimezone(zone).date()
    shifts = tuple(shifts)
    for n in range((last - first).days + 1):
        day = first + n * _DAY
        for shift in shifts:
            if shift.begins_on(day):
                begin, end = span(day, shift.start, shift.end, timezone)
                if begin < until and since < end:
                    yield begin, end


def scheduled(shifts: tuple[WeeklyShift, ...], at: datetime, timezone: str) -> bool:
    """Say whether the weekly shifts alone hold at this time; none hold always."""
    if not shifts:
        return True
    return any(occurrences(shifts, at, at + timedelta.resolution, timezone))


def on_duty(duty: Duty, at: datetime, timezone: str) -> bool:
    """Say whether somebody is on duty at this time."""
    there: bool | None = None
    for change in duty.changes:
        if change.holds(at):
            if change.kind in ABSENCES:
                return False
            there = change.kind is ChangeKind.COVER
    return scheduled(duty.shifts, at, timezone) if there is None else there


def ends_at(duty: Duty, at: datetime, timezone: str) -> datetime | None:
    """Return when the duty that holds at `at` ends; None when not within two days."""
    if not duty.shifts and not duty.changes:
        return None
    horizon = at + _HORIZON
    edges = {end for _, end in occurrences(duty.shifts, at, horizon, timezone)}
    for change in duty.changes:
        edges |= {change.start} if change.end is None else {change.start, change.end}
    for edge in sorted(edge for edge in edges if at < edge <= horizon):
        if not on_duty(duty, edge, timezone):
            return edge
    return None


def periods(
    duty: Duty, since: datetime, until: datetime, timezone: str
) -> list[tuple[datetime, datetime]]:
    """Return when somebody is on duty within [since, until), as (begin, end) in order."""
    edges = {since, until}
    for begin, end in occurrences(duty.shifts, since, until, timezone):
        edges |= {begin, end}
    for change in duty.changes:
        edges |= {change.start} if change.end is None else {change.start, change.end}
    marks = sorted(edge for edge in edges if since <= edge <= until)
    found: list[tuple[datetime, datetime]] = []
    for begin, end in pairwise(marks):
        if not on_duty(duty, begin, timezone):
            continue
        if found and found[-1][1] == begin:
            begin = found.pop()[0]  # noqa: PLW2901 - one period goes on in the next
        found.append((begin, end))
    return found


def begins_on(duty: Duty, day: date, timezone: str) -> list[tuple[datetime, datetime]]:
    """Return the (begin, end) of the shifts, covered ones included, that begin on a local day."""
    found = {span(day, one.start, one.end, timezone) for one in duty.shifts if one.begins_on(day)}
    for change in duty.changes:
        local_day = change.start.astimezone(zone_of(timezone)).date()
        if change.kind is ChangeKind.COVER and change.end is not None and local_day == day:
            found.add((change.start, change.end))
    swaps = Duty(duty.shifts, tuple(one for one in duty.changes if one.kind not in ABSENCES))
    return sorted(one for one in found if on_duty(swaps, one[0], timezone))
