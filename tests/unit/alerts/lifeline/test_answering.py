"""Responders answer while the database is away: the first wins, a refusal asks the next at once."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from alerts.finding import Found, Photo
from alerts.lifecycle import PageState, State
from alerts.lifeline.answering import incident_state
from alerts.lifeline.carrying import Carrying
from alerts.lifeline.records import Answer, Answered, Paged, Said, Tried, Word
from alerts.lifeline.showing import answer_view, page_view
from core.errors import Conflict, NotFound, Refused
from tests.unit.alerts.lifeline.test_carrying import (
    FAR,
    NEAR,
    NOW,
    alarm,
    carrying,
    does,
    on_call,
    roster,
)


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


def sent(state: Carrying, page_id: int, message: Word = "page", *, error: str = "") -> None:
    does(state, [Tried(100, page_id, "webhook", NOW, error, None, message)])


def test_who_is_needed_no_more_is_told_once_and_whoever_was_never_reached_is_not() -> None:
    middle = on_call("middle", 5.0)
    state = carrying(roster(FAR, middle, NEAR))
    does(state, state.take(alarm(), now=NOW))
    pages = []
    for after_s in (0, 15, 30):
        records = does(state, state.escalate(NOW + timedelta(seconds=after_s)))
        pages += [one.page_id for one in records if isinstance(one, Paged)]
    near, second, third = pages
    for page_id, error in ((near, ""), (second, ""), (third, "404")):
        sent(state, page_id, error=error)
    answers(state, near, "accept")
    later = NOW + timedelta(minutes=5)
    assert [one.key for one in state.to_send(later)] == [(second, "webhook", "stand_down")]
    sent(state, second, "stand_down")
    assert state.to_send(later) == []
    answers(state, near, "decline")
    assert state.to_send(later) == [], "nobody is rung for a page that has ended"
    answers(state, second, "accept")
    found = state.page(second)
    assert found is not None
    assert incident_state(found[0]) is State.ACCEPTED, "who was stood down may go after all"


def test_a_page_that_was_under_way_when_somebody_accepted_is_followed_by_the_word() -> None:
    state, (near, far) = asked(both=True)
    sent(state, near)
    answers(state, near, "accept")
    assert state.to_send(NOW + timedelta(minutes=1)) == []
    sent(state, far)
    assert [one.message for one in state.to_send(NOW + timedelta(minutes=1))] == ["stand_down"]


def test_who_has_come_tells_what_was_found_and_is_done() -> None:
    state, (near, far) = asked(both=True)
    found = Found("helped", "she fell", (Photo("a.jpg", "0" * 64, 9),))
    with pytest.raises(Conflict, match="tell what was found"):
        state.answer(near, Said("done", found=found), now=NOW)
    answers(state, near, "accept")
    (done,) = does(state, state.answer(near, Said("done", found=found), now=NOW))
    assert isinstance(done, Answered)
    assert done.found == found
    assert state.answer(near, Said("done", found=found), now=NOW) == [], "again changes nothing"
    assert state.answer(near, Said("decline"), now=NOW) == []
    with pytest.raises(Conflict, match="near accepted first"):
        state.answer(far, Said("accept"), now=NOW)
    carried = state.incidents[100]
    assert incident_state(carried) is State.ARRIVED
    view = page_view(carried, carried.pages[near], state.roster)
    assert view is not None
    assert (view.page_state, view.over, view.address) == (PageState.DONE, True, "")


def test_a_pager_speaks_for_its_responder_only() -> None:
    state, (near,) = asked(both=False)
    with pytest.raises(Refused):
        state.answer(near, Said("accept", device="pager-9"), now=NOW)
    carries = msgspec.structs.replace(NEAR, device_id="pager-9")
    state.roster = roster(FAR, carries)
    assert state.answer(near, Said("accept", device="pager-9"), now=NOW)


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
