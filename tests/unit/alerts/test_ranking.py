"""Nearest first, of those on shift."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import SYNTHETIC, Whom
from alerts.ranking import Home, Position, Responder, distance_m, rank
from alerts.shifts import EVERY_DAY, Change, ChangeKind, Duty, WeeklyShift

SEOUL = Position(37.5665, 126.9780)
HOME = Home("home-1", SEOUL)
BUSAN = Position(35.1796, 129.0756)
NIGHT = Duty((WeeklyShift(EVERY_DAY, time(21, 0), time(2, 30)),))
positions = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))


def _names(*responders: Responder, now: datetime, whom: Whom = Whom.FIELD) -> list[str]:
    ranked = rank(HOME, responders, now, "Asia/Seoul", whom=whom)
    return [one.responder_id for one in ranked]


def _at(hour: int, minute: int = 0) -> datetime:
    """Return a time of day in Seoul, which has been UTC+9 since 1988."""
    return datetime(2026, 11, 22, (hour - 9) % 24, minute, tzinfo=UTC)


def test_distance_of_two_cities() -> None:
    assert distance_m(SEOUL, BUSAN) == pytest.approx(325_000, rel=0.005)


@given(positions, positions)
def test_distance_is_symmetric_and_at_most_half_the_earth(one: Position, other: Position) -> None:
    there, back = distance_m(one, other), distance_m(other, one)
    assert there == pytest.approx(back, abs=0.01)
    assert 0 <= there <= 20_015_200
    assert distance_m(one, one) == 0


@pytest.mark.parametrize(
    ("hour", "minute", "there"),
    [(20, 59, False), (21, 0, True), (23, 59, True), (0, 0, True), (2, 29, True), (2, 30, False)],
)
def test_a_shift_across_midnight(hour: int, minute: int, there: bool) -> None:
    guard = Responder("guard", "guard", SEOUL, NIGHT)
    assert (_names(guard, now=_at(hour, minute)) == ["guard"]) == there


def test_nearest_first_equals_in_the_order_given() -> None:
    far = Responder("far", "crew", BUSAN)
    one, two = Responder("one", "crew", SEOUL), Responder("two", "guardian", SEOUL)
    assert _names(far, two, one, now=_at(12)) == ["two", "one", "far"]


def test_who_is_left_out() -> None:
    away = Responder("away", "crew", SEOUL, Duty((), (Change(ChangeKind.SICK, _at(11)),)))
    here = Responder("here", "crew", SEOUL)
    assert _names(away, here, now=_at(12)) == ["here"]
    assert rank(HOME, [here], _at(12), "Asia/Seoul", {"here"}) == []


def test_engineers_never_go_to_a_home() -> None:
    crew = Responder("crew", "crew", SEOUL)
    engineer = Responder("engineer", "engineer", SEOUL)
    synthetic = Responder(SYNTHETIC, "engineer", SEOUL)
    everybody = (crew, engineer, synthetic)
    assert _names(*everybody, now=_at(12)) == ["crew"]
    assert _names(*everybody, now=_at(12), whom=Whom.ENGINEERS) == ["engineer"]
    assert _names(*everybody, now=_at(12), whom=Whom.SYNTHETIC) == [SYNTHETIC]
