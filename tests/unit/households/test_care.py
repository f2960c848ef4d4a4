"""Silence counts in waking hours, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from households.care import CareRule, silent_at

SEOUL = "Asia/Seoul"
DAY = CareRule(12)  # of 07:00 to 22:00


def seoul(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=9)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (seoul(22, 8), seoul(22, 20)),
        (seoul(22, 10), seoul(22, 22)),
        (seoul(22, 12), seoul(23, 9)),  # ten hours, then two of the next day
        (seoul(22, 23), seoul(23, 19)),
        (seoul(23, 3), seoul(23, 19)),
    ],
)
def test_the_night_does_not_count(last: datetime, due: datetime) -> None:
    assert silent_at(DAY, last, SEOUL) == due


def test_who_works_at_night() -> None:
    rule = CareRule(4, waking_from=time(20), waking_to=time(4))
    assert silent_at(rule, seoul(22, 2), SEOUL) == seoul(22, 22)
    assert silent_at(rule, seoul(22, 22), SEOUL) == seoul(23, 2)


def test_many_days() -> None:
    assert silent_at(CareRule(240), seoul(1, 7), SEOUL) == seoul(16, 22)  # sixteen days of 15 h


@given(
    hours=st.integers(1, 240),
    last=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from([SEOUL, "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_it_is_never_sooner_than_the_hours_and_later_signs_are_never_sooner(
    hours: int, last: datetime, begins: time, ends: time, zone: str
) -> None:
    minutes = abs((begins.hour - ends.hour) * 60 + begins.minute - ends.minute)
    if not 180 <= minutes <= 1260:  # waking for an hour at least, whatever the clocks do
        return
    rule = CareRule(hours, begins.replace(microsecond=0), ends.replace(microsecond=0))
    sign = last.replace(tzinfo=UTC)
    due = silent_at(rule, sign, zone)
    assert due - sign >= timedelta(hours=hours)
    assert silent_at(rule, sign + timedelta(minutes=30), zone) >= due


@pytest.mark.parametrize("hours", [0, -1, 241])
def test_what_is_no_rule(hours: int) -> None:
    with pytest.raises(PermanentError, match="1 to 240 waking hours"):
        CareRule(hours)
    with pytest.raises(PermanentError, match="begins when it ends"):
        CareRule(12, time(7), time(7))
