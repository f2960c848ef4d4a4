"""Answers that only the database could judge: kept in order, once, and given up one at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.lifeline.keeping import MOST_OF_A_PAGE, Keeping
from alerts.lifeline.records import Answer, Entered, Record, Said
from core.errors import Conflict
from tests.unit.alerts.lifeline.test_carrying import NOW


def keeps(state: Keeping, page_id: int, *answers: Answer) -> list[Record]:
    written: list[Record] = []
    for answer in answers:
        now = NOW + timedelta(seconds=len(state.waiting))
        records = state.keep(page_id, Said(answer), now=now)
        state.apply(records)
        written += records
    return written


def test_of_each_page_the_oldest_goes_first_and_the_same_again_adds_nothing() -> None:
    state = Keeping()
    written = keeps(state, 7, "depart", "depart", "arrive")
    written += keeps(state, 8, "decline")
    assert [(one.page_id, one.answer) for one in state.next()] == [(7, "depart"), (8, "decline")]
    first = state.next()[0]
    written.append(Entered(first.page_id, first.at))
    state.apply(written[-1:])
    assert [(one.page_id, one.answer) for one in state.next()] == [(7, "arrive"), (8, "decline")]
    again = Keeping()
    again.apply(written)
    assert again.waiting == state.waiting


def test_one_link_cannot_fill_the_disk() -> None:
    state = Keeping()
    keeps(state, 7, *(["accept", "decline"] * (MOST_OF_A_PAGE // 2)))
    with pytest.raises(Conflict):
        state.keep(7, Said("accept"), now=NOW)
    assert state.keep(8, Said("accept"), now=NOW)
