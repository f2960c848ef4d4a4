"""What a responder's answer does to a carried incident, as `alerts.pages` decides it; pure."""

from __future__ import annotations

from datetime import datetime

from alerts.lifecycle import ENDED, ON_THE_JOB, PageState, State
from alerts.lifeline.carried import Carried, CarriedPage
from alerts.lifeline.records import Answer, Answered, Said
from core.errors import Conflict

_CAN = {"depart": "be on the way", "arrive": "arrive", "done": "tell what was found"}
_CAME = ON_THE_JOB | {PageState.DONE}


def answer(
    carried: Carried, page: CarriedPage, said: Said, *, first: str, now: datetime
) -> list[Answered]:
    """Return what an answer adds: nothing when it says the same again.

    `first` is the name of whoever accepted. Raises `Conflict` when somebody else was first, and
    for who is on the way, there or done without having accepted.
    """
    if _stands(carried, page, said.answer):
        return []
    if said.answer == "accept":
        if carried.accepted_by is not None:
            raise Conflict(f"{first} accepted first", "page.taken", by=first)
    elif said.answer == "decline":
        if page.state is PageState.ARRIVED:
            raise Conflict("you have arrived; tell what you found", "page.arrived")
    elif page.state not in ON_THE_JOB:
        raise Conflict(f"only who has accepted can {_CAN[said.answer]}", "page.not_accepted")
    paged = page.paged
    return [Answered(paged.incident_id, paged.page_id, said.answer, now, said.found, said.channel)]


def _stands(carried: Carried, page: CarriedPage, given: Answer) -> bool:
    """Say whether the answer would change nothing."""
    state = page.state
    if given == "accept":
        return state in ON_THE_JOB or carried.accepted_by == page.paged.responder_id
    if given == "decline":
        return state in ENDED
    if given == "done":
        return state is PageState.DONE
    gone = given == "depart" and page.departed and state is PageState.ACCEPTED
    return gone or state is PageState.ARRIVED


def incident_state(carried: Carried) -> State:
    """Return where the incident stands, as the database will say."""
    on_the_job = [page for page in carried.pages.values() if page.state in _CAME]
    if any(page.state is not PageState.ACCEPTED for page in on_the_job):
        return State.ARRIVED
    if any(page.departed for page in on_the_job):
        return State.EN_ROUTE
    if on_the_job:
        return State.ACCEPTED
    return State.DISPATCHED if carried.pages else State.RAISED
