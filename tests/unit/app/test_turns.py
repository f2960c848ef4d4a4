"""One of several holds the stored session, by what they hear of each other alone."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from app.processes.turns import SAY_EVERY_S, SILENT_AFTER_S, Turns


def test_who_hears_nobody_takes_it_and_who_hears_a_holder_waits() -> None:
    turns = Turns(0.0)
    assert not turns.due(SAY_EVERY_S + 0.1)
    assert turns.due(3.0), "though it could ask nobody"
    turns.heard(3.0)
    assert not turns.due(3.0 + SILENT_AFTER_S - 0.1)
    assert turns.behind(3.0 + SAY_EVERY_S)
    assert not turns.behind(3.1 + SILENT_AFTER_S), "it has fallen silent: nobody comes first"
    assert turns.due(6.0)


def test_who_asked_takes_it_sooner() -> None:
    turns = Turns(0.0)
    turns.asked(0.1)
    assert not turns.due(0.3)
    assert turns.due(0.7)
    turns.heard(0.7)
    assert not turns.due(0.7)


def test_a_holder_keeps_it_whatever_it_hears_until_it_is_lost() -> None:
    turns = Turns(0.0)
    turns.holding = True
    turns.heard(1.0)
    assert turns.holding
    assert not turns.behind(1.0)
    turns.waits(2.0)
    assert not turns.holding
    assert not turns.due(2.0 + SILENT_AFTER_S - 0.1)


@given(st.integers(2, 4), st.integers(0, 2**32), st.floats(4.0, 30.0))
def test_a_holder_that_dies_is_followed_by_one_within_5_s(
    processes: int, seed: int, dies_s: float
) -> None:
    """The broker gives the session to whoever asked last; signs arrive within 0.1 s."""
    all_of = [Turns(0.0, random.Random(seed + number)) for number in range(processes)]
    for one in all_of:
        one.asked(0.0)
    living = list(all_of)
    holder: Turns | None = None
    said_s, taken_s = 0.0, 0.0
    died_s: float | None = None
    for tick in range(int((dies_s + 8.0) * 10)):
        now_s = tick / 10
        if died_s is None and now_s >= dies_s and holder in living:
            living.remove(holder)
            holder, died_s = None, now_s
        for one in living:
            if one.holding and one is not holder:
                one.waits(now_s)  # thrown out
            elif one.due(now_s):
                one.holding, holder, taken_s = True, one, now_s
        if holder and now_s - said_s >= SAY_EVERY_S - 1e-9:
            said_s = now_s
            for one in living:
                if one is not holder:
                    one.heard(now_s)
    assert holder is not None
    assert sum(one.holding for one in living) == 1
    assert died_s is not None
    assert taken_s - died_s < 5.0
