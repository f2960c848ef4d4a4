"""Responders answer while the database is away: the first wins, a refusal asks the next at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.lifecycle import PageState, State
from alerts.lifeline.answering import incident_state
from alerts.lifeline.carrying import Carrying
from alerts.lifeline.records import Answer, Paged, Said
from alerts.lifeline.showing import answer_view, page_view
from core.errors import Conflict, NotFound
from tests.unit.alerts.lifeline.test_carrying import FAR, NEAR, NOW, alarm, carrying, does, roster


def asked(*, both: bool) -> tuple[Carrying, list[int]]:
    """An incident of which the near one was asked, and the far one after the window."""
    state = carrying(roster(FAR, NEAR))
    does(state, state.take(alarm(), now=NOW))
    records = [*does(state, state.escalate(NOW))]
    if both:
        records += does(state, state.escalate(NOW + timedelta(seconds=15)))
    return state, [record.page_id for record in records if isinstance(record, Paged)]


def answers(state: Carrying, page_id: int, given: Answer, after_s: float = 20.0) -> None:
    does(state, state.answer(page_id, Said(given), now=NOW + timedelta(seconds=after_s)))


def test_who_accepts_ends_the_asking_and_what_waits_to_be_sent() -> None:
    state, (near, far) = asked(both=True)
    answers(state, near, "accept")
    assert state.escalate(NOW + timedelta(hours=1)) == []
    assert state.to_send(NOW + timedelta(hours=1)) == []
    with pytest.raises(Conflict, match="near accepted first"):
        state.answer(far, Said("accept"), now=NOW)
    assert state.answer(near, Said("accept"), now=NOW) == [], "the same again changes nothing"


def test_a_refusal_asks_the_next_at_once() -> None:
    state, (near,) = asked(both=False)
    answers(state, near, "decline", 2.0)
    (paged,) = does(state, state.escalate(NOW + timedelta(seconds=2)))
    assert isinstance(paged, Paged)
    assert paged.responder_id == "far"


def test_who_gives_the_job_back_is_replaced_at_once() -> None:
    state, (near, _) = asked(both=True)
    answers(state, near, "accept", 16.0)
    answers(state, near, "decline", 17.0)
    (paged,) = does(state, state.escalate(NOW + timedelta(seconds=17)))
    assert isinstance(paged, Paged)


def test_on_the_way_and_there_follow_on_accepting_only() -> None:
    state, (near,) = asked(both=False)
    for early in ("depart", "arrive"):
        with pytest.raises(Conflict):
            state.answer(near, Said(early), now=NOW)
    stands = []
    for given in ("accept", "depart", "arrive"):
        answers(state, near, given)
        found = state.page(near)
        assert found is not None
        stands.append((found[1].state, incident_state(found[0])))
    assert stands == [
        (PageState.ACCEPTED, State.ACCEPTED),
        (PageState.ACCEPTED, State.EN_ROUTE),
        (PageState.ARRIVED, State.ARRIVED),
    ]
    with pytest.raises(Conflict):
        state.answer(near, Said("decline"), now=NOW)


def test_the_page_shows_the_home_to_whoever_may_still_go_and_to_nobody_else() -> None:
    state, (near, far) = asked(both=True)
    views = {}
    for step in ("asked", "accepted"):
        for page_id in (near, far):
            found = state.page(page_id)
            assert found is not None
            views[step, page_id] = page_view(*found, state.roster)
        answers(state, near, "accept")
    found = state.page(near)
    assert found is not None
    assert answer_view(*found).accepted
    for key, address in (
        (("asked", near), "Jongno"),
        (("asked", far), "Jongno"),
        (("accepted", near), "Jongno"),
        (("accepted", far), ""),
    ):
        view = views[key]
        assert view is not None
        assert view.address == address, key
    taken = views["accepted", far]
    assert taken is not None
    assert taken.over
    assert taken.accepted_by == "near"


def test_a_page_that_nobody_carries_is_not_there() -> None:
    state, _ = asked(both=False)
    with pytest.raises(NotFound):
        state.answer(7, Said("accept"), now=NOW)
