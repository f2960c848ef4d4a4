"""How long a responder has to answer, and how long a failed message waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.paging.delivery import backoff_s
from alerts.planning import answer_window_s


def test_the_answer_window_doubles_up_to_a_minute() -> None:
    assert [answer_window_s(15, n) for n in (1, 2, 3, 4, 5000)] == [15, 30, 60, 60, 60]


@given(st.floats(0.1, 600), st.integers(1, 10_000))
def test_a_later_round_is_never_shorter(answer_within_s: float, round_: int) -> None:
    window_s = answer_window_s(answer_within_s, round_)
    assert answer_within_s <= window_s <= max(60, answer_within_s)
    assert answer_window_s(answer_within_s, round_ + 1) >= window_s


def test_back_off() -> None:
    assert [backoff_s(n) for n in (1, 2, 3, 4, 5, 6, 500)] == [1, 2, 4, 8, 16, 30, 30]
