"""The dwell table alone: times in, events out, no picture anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.dwell import MOVES, Sign, Spot, State, Visit

T_S = 10.0
BODY = 100.0


class Watched:
    """A visit looked at now and then; `events` are (seconds, name)."""

    def __init__(self, fps: float, phase_s: float = 0.0) -> None:
        self.step_s = 1.0 / fps
        self.now_s = phase_s
        self.visit: Visit | None = None
        self.seen_s = 0.0
        self.events: list[tuple[float, str]] = []

    def look(self, x: float | None, *, inside: bool = True, live: bool = True) -> None:
        at_us = int(self.now_s * 1e6)
        if x is not None:
            if self.visit is None:
                self.visit = Visit(at_us - int(self.step_s * 0.5e6))
            self.seen_s = self.now_s
            self.visit.place(at_us, (x, 0.0), BODY, self.step_s, inside=inside)
            if live:
                self.visit.live_us = at_us
                self.visit.live_s += self.step_s
        if self.visit is not None:
            event = self.visit.step(
                at_us, T_S, tall=True, unseen_s=self.now_s - self.seen_s, coast_s=5.0
            )
            if event:
                self.events.append((self.now_s, event))
        self.now_s += self.step_s

    def until(self, end_s: float, x: float | None, **how: bool) -> None:
        while self.now_s < end_s:
            self.look(x, **how)


@given(st.floats(1.0, 15.0), st.floats(0.0, 0.99))
def test_when_it_becomes_loitering_does_not_depend_on_the_frame_rate(
    fps: float, phase_s: float
) -> None:
    watched = Watched(fps, phase_s)
    watched.until(3.0, None)
    watched.until(3.0 + T_S + 3.0, 0.0)
    assert [event for _, event in watched.events] == ["loiter.started"]
    visit = watched.visit
    assert visit is not None
    assert visit.since_us is not None
    assert abs(visit.since_us / 1e6 - 3.0) <= 0.5 + 1e-5
    assert 0.0 <= watched.events[0][0] - visit.since_us / 1e6 - T_S <= watched.step_s + 1e-5


def test_a_whole_life() -> None:
    watched = Watched(5)
    watched.until(35, 0.0)
    watched.until(45, None)
    assert [event for _, event in watched.events] == [
        "loiter.started",
        "loiter.updated",
        "loiter.ended",
    ]
    started, updated, ended = (at for at, _ in watched.events)
    assert started == pytest.approx(T_S, abs=0.3)
    assert updated == pytest.approx(3 * T_S, abs=0.3)
    assert ended == pytest.approx(40, abs=0.3)
    assert watched.visit is not None
    assert watched.visit.state is State.CLEARED


@pytest.mark.parametrize(("speed", "found"), [(5.0, True), (20.0, False), (60.0, False)])
def test_a_walker_is_no_loiterer_however_slow_they_cross(speed: float, found: bool) -> None:
    watched = Watched(5)
    while watched.now_s < T_S + 3:
        watched.look(speed * watched.now_s)
    assert bool(watched.events) is found


def test_pacing_in_the_zone_counts_after_twice_the_time() -> None:
    watched = Watched(5)
    while watched.now_s < 2 * T_S + 2:
        watched.look(200.0 if int(watched.now_s / 4) % 2 else 0.0)
    assert [event for _, event in watched.events] == ["loiter.started"]
    assert watched.events[0][0] == pytest.approx(2 * T_S, abs=0.3)


def test_outside_the_zone_nobody_loiters() -> None:
    watched = Watched(5)
    watched.until(60, 0.0, inside=False)
    assert watched.events == []


def test_leaving_the_zone_ends_it_after_the_grace() -> None:
    watched = Watched(5)
    watched.until(12, 0.0)
    watched.until(14, 0.0, inside=False)
    watched.until(15, 0.0)
    watched.until(25, 0.0, inside=False)
    assert [event for _, event in watched.events] == ["loiter.started", "loiter.ended"]
    assert watched.events[1][0] == pytest.approx(20, abs=0.4)


def test_without_a_sign_of_life_nothing_becomes_loitering() -> None:
    watched = Watched(5)
    watched.until(5, 0.0)
    watched.until(60, 0.0, live=False)
    assert watched.events == []


def test_a_slip_of_the_outline_does_not_end_a_stay_and_a_step_away_does() -> None:
    spot = Spot(0, 0.0, 0.0)
    for tick in range(20):
        spot.look(tick * 200_000, (200.0 if tick in {9, 10} else 0.0, 0.0), BODY, 0.2)
    assert spot.since_us == 0
    for tick in range(20, 26):
        spot.look(tick * 200_000, (200.0, 0.0), BODY, 0.2)
    assert spot.since_us == 20 * 200_000


@given(st.sampled_from(State), st.sampled_from(Sign))
def test_a_cleared_visit_stays_cleared_and_only_loitering_reports_its_end(
    state: State, sign: Sign
) -> None:
    move = MOVES.get((state, sign))
    if state is State.CLEARED:
        assert move is None
    if move is not None and move[1] in {"loiter.updated", "loiter.ended"}:
        assert state is State.LOITERING
