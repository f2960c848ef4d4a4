"""A week of the roster as a grid: who is on duty in which part of which day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.roster_week import Person, Week
from alerts.shifts import ChangeKind, zone_of

_AWAY = frozenset({ChangeKind.SICK, ChangeKind.LEAVE, ChangeKind.BREAK, ChangeKind.COVERED})


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a day, in percent of it; `text` are its local times, '' for all of it."""

    left: float
    width: float
    text: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class GridRow:
    """One person and their seven days."""

    person: Person
    days: tuple[tuple[Span, ...], ...]


def grid(week: Week) -> list[GridRow]:
    """Return the rows, those on duty now first."""
    people = sorted(week.people, key=lambda one: (not one.on_duty, one.district, one.name))
    return [GridRow(one, _days(one, week)) for one in people]


def _days(person: Person, week: Week) -> tuple[tuple[Span, ...], ...]:
    zone = zone_of(week.timezone)
    away = [(change.start, change.end) for change in person.changes if change.kind in _AWAY]
    found = []
    for n in range(7):
        day = week.first_day + timedelta(days=n)
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        after = day + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=zone)
        spans = [*_within(person.periods, begin, end)]
        spans += [_as_away(span) for span in _within(away, begin, end)]
        found.append(tuple(spans))
    return tuple(found)


def _within(
    periods: Iterable[tuple[datetime, datetime | None]], begin: datetime, end: datetime
) -> Iterable[Span]:
    length = (end - begin).total_seconds()
    for start, stop in periods:
        first, last = max(start, begin), min(stop or end, end)
        if first < last:
            left = (first - begin).total_seconds() / length * 100
            width = (last - first).total_seconds() / length * 100
            whole = (first, last) == (begin, end)
            text = (
                ""
                if whole
                else f"{first.astimezone(begin.tzinfo):%H:%M}-{last.astimezone(begin.tzinfo):%H:%M}"
            )
            yield Span(round(left, 2), round(width, 2), text)


def _as_away(span: Span) -> Span:
    return Span(span.left, span.width, span.text, away=True)
