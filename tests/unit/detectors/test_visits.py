"""Visits are counted by capture time, short ones and old ones are not."""

from __future__ import annotations

import pytest

from detectors.config import VisitsRule
from detectors.visits import Visits


def _visit(visits: Visits, from_s: float, to_s: float) -> int:
    visits.begin(int(from_s * 1e6))
    return visits.end(int(to_s * 1e6), VisitsRule())


def test_three_visits_within_a_quarter_of_an_hour() -> None:
    visits = Visits()
    assert [_visit(visits, at, at + 10) for at in (0, 300, 600)] == [1, 2, 3]


@pytest.mark.parametrize(("length_s", "count"), [(7.9, 0), (8.1, 1)])
def test_passing_by_is_no_visit(length_s: float, count: int) -> None:
    assert _visit(Visits(), 0, length_s) == count


def test_old_visits_are_forgotten() -> None:
    visits = Visits()
    assert [_visit(visits, at, at + 10) for at in (0, 800, 1000)] == [1, 2, 2]


def test_an_end_without_a_beginning_and_a_set_clock_count_nothing() -> None:
    visits = Visits()
    assert visits.end(10_000_000, VisitsRule()) == 0
    _visit(visits, 0, 10)
    visits.clear()
    assert _visit(visits, 20, 30) == 1
