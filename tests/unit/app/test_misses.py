"""The duty engineer is called at the third miss in a row, again while it lasts, once when over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.processes.misses import AGAIN_AFTER_S, MISSES, Misses


def test_three_in_a_row_call_and_a_pass_between_them_does_not() -> None:
    misses = Misses()
    said = [misses.note(ok, n * 20.0) for n, ok in enumerate([False, False, True, False, False])]
    assert said == [None] * 5
    assert misses.note(False, 100.0) == "failing"
    assert misses.note(False, 120.0) is None
    assert misses.note(False, 100.0 + AGAIN_AFTER_S) == "failing"
    assert misses.note(True, 1100.0) == "recovered"
    assert misses.note(True, 1160.0) is None


@given(st.lists(st.booleans(), max_size=60))
def test_who_was_called_hears_of_the_end_and_nobody_else_does(checks: list[bool]) -> None:
    misses = Misses()
    called = False
    row = 0
    for n, ok in enumerate(checks):
        row = 0 if ok else row + 1
        said = misses.note(ok, n * 20.0)
        if ok:
            assert said == ("recovered" if called else None)
            called = False
        elif row >= MISSES and not called:
            assert said == "failing"
            called = True
