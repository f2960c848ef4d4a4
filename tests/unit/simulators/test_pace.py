"""A live view raises a camera's rate for a while and never lowers it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.pace import Pace


def taken(pace: Pace, until_s: float) -> list[float]:
    times = []
    while pace.due_s < until_s:
        times.append(pace.due_s)
        pace.took(pace.due_s)
    return times


def test_its_own_rate_is_a_grid() -> None:
    assert taken(Pace(5.0), 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_who_begins_to_watch_sees_a_picture_at_once() -> None:
    pace = Pace(0.1)
    assert taken(pace, 1.0) == [0.0]
    pace.go_live(10.0, 1.0, for_s=2.0)
    assert taken(pace, 3.5)[:3] == pytest.approx([1.0, 1.1, 1.2])
    assert pace.due_s > 10.0, "afterwards the camera goes back to its own rate"


def test_a_slower_view_does_not_slow_the_camera_down() -> None:
    pace = Pace(10.0)
    pace.go_live(2.0, 0.0, for_s=60.0)
    assert len(taken(pace, 1.0)) == 10


def test_the_end_may_be_asked_for() -> None:
    pace = Pace(1.0)
    pace.go_live(10.0, 0.0, for_s=60.0)
    taken(pace, 2.0)
    pace.end_live(2.0)
    assert len(taken(pace, 12.0)) == pytest.approx(10, abs=1)


def test_pictures_that_came_too_late_are_counted() -> None:
    pace = Pace(10.0)
    assert pace.took(0.0) == 0
    assert pace.took(0.55) == 3
    assert pace.due_s == pytest.approx(0.5)


@given(st.lists(st.tuples(st.floats(1.0, 15.0), st.floats(0.0, 5.0)), max_size=8))
def test_times_only_ever_rise(views: list[tuple[float, float]]) -> None:
    pace, now_s, last_s = Pace(2.0), 0.0, -1.0
    for fps, for_s in views:
        pace.go_live(fps, now_s, for_s)
        for _ in range(3):
            assert pace.due_s >= last_s
            last_s = pace.due_s
            now_s = max(now_s, last_s)
            pace.took(now_s)
