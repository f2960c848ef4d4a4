"""Whoever is expected first, of those on duty."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import SYNTHETIC, Whom
from alerts.ranking import (
    Fix,
    Home,
    Position,
    Responder,
    Routed,
    distance_m,
    expected,
    expected_m,
    freshness,
    rank,
)
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
    one, two = Responder("one", "crew", SEOUL), Responder("two", "crew", SEOUL)
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


NOW = _at(12)
KM = 1 / 111.195  # degrees of latitude


def _north(km: float) -> Position:
    return Position(SEOUL.lat + km * KM, SEOUL.lon)


def _crew(name: str, km: float, **more: Any) -> Responder:
    return Responder(name, "crew", _north(km), **more)


def test_who_rides_beats_who_walks_from_farther_away() -> None:
    guard = Responder("guard", "guard", _north(1.0))
    assert _names(guard, _crew("crew", 2.0), now=NOW) == ["crew", "guard"]
    near = Responder("guard", "guard", _north(0.2))
    assert _names(near, _crew("crew", 2.0), now=NOW) == ["guard", "crew"]


def test_a_position_an_hour_old_counts_little() -> None:
    here = Fix(SEOUL, 10.0, NOW)
    old = Fix(SEOUL, 10.0, NOW - timedelta(hours=1))
    assert _names(_crew("a", 5.0, fix=here), _crew("b", 2.0), now=NOW) == ["a", "b"]
    assert _names(_crew("a", 5.0, fix=old), _crew("b", 2.0), now=NOW) == ["b", "a"]
    assert freshness(3600) == pytest.approx(1 / 16)


@given(positions, positions, st.floats(0, 10_000), st.floats(0, 7200))
def test_the_older_the_nearer_to_the_station(
    station: Position, seen: Position, accuracy_m: float, age_s: float
) -> None:
    fix = Fix(seen, accuracy_m, NOW - timedelta(seconds=age_s))
    metres = expected_m(Responder("r", "crew", station, fix=fix), SEOUL, NOW)
    ends = sorted((distance_m(station, SEOUL), distance_m(seen, SEOUL) + accuracy_m))
    assert ends[0] - 1e-6 <= metres <= ends[1] + 1e-6


@pytest.mark.parametrize(
    "worse",
    [
        {"on_jobs": 1},
        {"asked": 1},
        {"district": "Mapo"},
        {"duty": Duty((WeeklyShift(EVERY_DAY, time(9), time(12, 1)),))},
        {"fix": Fix(SEOUL, 9000.0, NOW)},
    ],
)
def test_what_speaks_against_asking(worse: dict[str, Any]) -> None:
    assert _names(_crew("a", 1.0, **worse), _crew("b", 1.1), now=NOW) == ["b", "a"]
    assert _names(_crew("a", 1.0, **worse), now=NOW) == ["a"], "but it is asked all the same"


def test_a_skill_that_helps() -> None:
    first_aid = _crew("b", 1.1, skills=frozenset({"first_aid"}))
    ranked = rank(HOME, [_crew("a", 1.0), first_aid], NOW, "Asia/Seoul", incident_kind="sos")
    assert [one.responder_id for one in ranked] == ["b", "a"]
    ranked = rank(HOME, [_crew("a", 1.0), first_aid], NOW, "Asia/Seoul", incident_kind="intrusion")
    assert [one.responder_id for one in ranked] == ["a", "b"]


def test_a_road_service_knows_better() -> None:
    across_the_river = _crew("a", 1.0, routed=Routed(1500.0, "osrm", NOW))
    assert _names(across_the_river, _crew("b", 3.0), now=NOW) == ["b", "a"]
    assert expected(across_the_river, HOME, NOW).eta_by == "osrm"
    assert expected(_crew("b", 3.0), HOME, NOW).eta_by == "street factor"


def test_the_counselling_line_is_first_where_nobody_moved() -> None:
    line = Responder("line", "counsellor", BUSAN)
    family = Responder("family", "guardian", SEOUL)
    assert _names(family, _crew("a", 0.0), line, now=NOW, whom=Whom.CARE) == ["line", "family"]
    assert _names(_crew("a", 0.0), line, now=NOW) == ["a"]
