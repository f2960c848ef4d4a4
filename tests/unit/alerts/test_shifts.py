"""Shift arithmetic over midnight and changes of the clock; swaps, breaks and absences."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.shifts import (
    ABSENCES,
    EVERY_DAY,
    Change,
    ChangeKind,
    Duty,
    WeeklyShift,
    begins_on,
    ends_at,
    on_duty,
    periods,
    span,
)

SEOUL, NEW_YORK = "Asia/Seoul", "America/New_York"
PATROL = WeeklyShift(frozenset({1, 2, 3, 4, 5}), time(21), time(2, 30))
zones = st.sampled_from([SEOUL, NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "UTC"])
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
# both changes of the clock of 2026 in the zones above, and days around them
days = st.dates(date(2026, 3, 1), date(2026, 4, 10)) | st.dates(
    date(2026, 9, 25), date(2026, 11, 5)
)
instants = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30), timezones=st.just(UTC))
shifts = st.builds(
    WeeklyShift,
    st.frozensets(st.integers(1, 7), min_size=1),
    times,
    times,
)
changes = st.builds(
    lambda kind, start, hours: Change(kind, start, start + timedelta(hours=hours)),
    st.sampled_from(ChangeKind),
    instants,
    st.integers(1, 40),
)
duties = st.builds(
    Duty, st.lists(shifts, max_size=3).map(tuple), st.lists(changes, max_size=4).map(tuple)
)


def at(text: str, zone: str = SEOUL) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def there(duty: Duty, text: str, zone: str = SEOUL) -> bool:
    return on_duty(duty, at(text, zone), zone)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27 20:59:59", False),  # Friday
        ("2026-11-27 21:00:00", True),
        ("2026-11-28 02:29:59", True),  # Saturday morning belongs to Friday
        ("2026-11-28 02:30:00", False),
        ("2026-11-28 21:00:00", False),
        ("2026-11-30 00:30:00", False),  # Sunday night nobody walks
        ("2026-11-30 21:00:00", True),
    ],
)
def test_a_patrol_of_five_nights(moment: str, expected: bool) -> None:
    assert there(Duty((PATROL,)), moment) is expected


def test_without_shifts_around_the_clock_and_equal_times_too() -> None:
    assert there(Duty(), "2026-11-27 04:00")
    whole = Duty((WeeklyShift(EVERY_DAY, time(8), time(8)),))
    assert there(whole, "2026-11-27 04:00")
    assert there(whole, "2026-11-27 08:00")


def test_a_shift_holds_on_its_days_alone() -> None:
    duty = Duty((WeeklyShift(EVERY_DAY, time(21), time(2), date(2026, 11, 2), date(2026, 11, 3)),))
    assert not there(duty, "2026-11-01 22:00")
    assert there(duty, "2026-11-04 01:59")  # begun on the third
    assert not there(duty, "2026-11-04 21:00")


def test_the_hour_that_comes_twice_belongs_to_both_shifts() -> None:
    early = Duty((WeeklyShift(EVERY_DAY, time(22), time(1, 30)),))
    late = Duty((WeeklyShift(EVERY_DAY, time(1, 30), time(6)),))
    # New York, 1 November 2026: 01:30 is 05:30 and 06:30 UTC
    for hour, minute, expected in [
        (5, 29, (True, False)),
        (5, 30, (True, True)),
        (6, 29, (True, True)),
        (6, 30, (False, True)),
    ]:
        moment = datetime(2026, 11, 1, hour, minute, tzinfo=UTC)
        assert tuple(on_duty(one, moment, NEW_YORK) for one in (early, late)) == expected


def test_the_hour_that_does_not_come_leaves_no_gap() -> None:
    # New York, 8 March 2026: after 01:59 comes 03:00, at 07:00 UTC
    begin, end = span(date(2026, 3, 8), time(2, 30), time(6), NEW_YORK)
    assert (begin.hour, begin.minute, end.hour) == (7, 0, 10)
    assert span(date(2026, 3, 7), time(21), time(2, 30), NEW_YORK)[1].hour == 7


@given(days, times, times, zones)
def test_shifts_that_follow_one_another_leave_nobody_alone(
    day: date, one: time, other: time, zone: str
) -> None:
    duty = Duty((WeeklyShift(EVERY_DAY, one, other), WeeklyShift(EVERY_DAY, other, one)))
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=2)
    assert periods(duty, since, until, zone) == [(since, until)]


@given(days, times, times, zones)
def test_a_span_lasts_what_the_clock_says_and_at_most_an_hour_more(
    day: date, start: time, end: time, zone: str
) -> None:
    begin, over = span(day, start, end, zone)
    told = timedelta(hours=end.hour - start.hour, minutes=end.minute - start.minute)
    told += timedelta(days=1) if told <= timedelta(0) else timedelta(0)
    assert timedelta(hours=-1) <= over - begin - told <= timedelta(hours=1)
    assert begin <= over


@given(duties, instants, zones)
def test_a_duty_ends_where_it_says(duty: Duty, now: datetime, zone: str) -> None:
    end = ends_at(duty, now, zone)
    if on_duty(duty, now, zone) and end is not None:
        assert end > now
        assert not on_duty(duty, end, zone)
        assert on_duty(duty, end - timedelta.resolution, zone)


@given(duties, instants, st.integers(1, 72), zones)
def test_periods_are_exactly_when_somebody_is_on_duty(
    duty: Duty, since: datetime, hours: int, zone: str
) -> None:
    until = since + timedelta(hours=hours)
    found = periods(duty, since, until, zone)
    for (_, end), (begin, _) in pairwise(found):
        assert end < begin
    moment = since
    while moment < until:
        inside = any(begin <= moment < end for begin, end in found)
        assert inside is on_duty(duty, moment, zone)
        moment += timedelta(minutes=37)


@given(duties, instants, zones, st.sampled_from(sorted(ABSENCES)))
def test_an_absence_beats_everything(
    duty: Duty, now: datetime, zone: str, kind: ChangeKind
) -> None:
    away = Duty(duty.shifts, (Change(kind, now), *duty.changes))
    assert not on_duty(away, now, zone)


def test_a_swap_and_back_again() -> None:
    begin, end = span(date(2026, 11, 27), PATROL.start, PATROL.end, SEOUL)
    gives, takes = Change(ChangeKind.COVERED, begin, end), Change(ChangeKind.COVER, begin, end)
    assert not there(Duty((PATROL,), (gives,)), "2026-11-27 22:00")
    day_guard = WeeklyShift(EVERY_DAY, time(9), time(18))
    partner = Duty((day_guard,), (takes,))
    assert there(partner, "2026-11-27 22:00")
    assert begins_on(partner, date(2026, 11, 27), SEOUL)[-1] == (begin, end)
    assert there(Duty((PATROL,), (gives, takes)), "2026-11-27 22:00")
    back = Duty((day_guard,), (takes, gives))
    assert not there(back, "2026-11-27 22:00")
    assert (begin, end) not in begins_on(back, date(2026, 11, 27), SEOUL)
