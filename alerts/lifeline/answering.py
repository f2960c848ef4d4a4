"""What a responder's answer does to a carried incident, as `alerts.pages` decides it; pure."""

from __future__ import annotations

from datetime import datetime

from alerts.lifecycle import ON_THE_JOB, PageState, State
from alerts.lifeline.carried import Carried, CarriedPage
from alerts.lifeline.records import Answered, Said
from core.errors import Conflict


def answer(
    carried: Carried, page: CarriedPage, said: Said, *, first: str, now: datetime
) -> list[Answered]:
    """Return what an answer adds: nothing when it says the same again.

    `first` is the name of whoever accepted. Raises `Conflict` when somebody else was first, and
    for who is on the way or there without having accepted.
    """
    paged, given = page.paged, said.answer
    if given == "accept":
        if page.state in ON_THE_JOB or carried.accepted_by == paged.responder_id:
            return []
        if carried.accepted_by is not None:
            raise Conflict(f"{first} accepted first")
    elif given == "decline":
        if page.state is PageState.DECLINED:
            return []
        if page.state is PageState.ARRIVED:
            raise Conflict("you have arrived; the operator closes the incident")
    elif page.state not in ON_THE_JOB:
        raise Conflict(
            "only who has accepted can be on the way"
            if given == "depart"
            else "only who has accepted can arrive"
        )
    elif page.state is PageState.ARRIVED or (given == "depart" and page.departed):
        return []
    return [Answered(paged.incident_id, paged.page_id, given, now)]


def incident_state(carried: Carried) -> State:
    """Return where the incident stands, as the database will say."""
    on_the_job = [page for page in carried.pages.values() if page.state in ON_THE_JOB]
    if any(page.state is PageState.ARRIVED for page in on_the_job):
        return State.ARRIVED
    if any(page.departed for page in on_the_job):
        return State.EN_ROUTE
    if on_the_job:
        return State.ACCEPTED
    return State.DISPATCHED if carried.pages else State.RAISED
