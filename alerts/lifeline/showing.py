"""A carried incident as a responder sees it: the same views as from the database; pure."""

from __future__ import annotations

from alerts.lifecycle import ENDED, PageState
from alerts.lifeline import answering
from alerts.lifeline.carried import Carried, CarriedPage
from alerts.lifeline.roster import Roster
from alerts.pages import AnswerView, PageView


def answer_view(carried: Carried, page: CarriedPage) -> AnswerView:
    """Return what stands after an answer."""
    paged = page.paged
    return AnswerView(
        paged.page_id,
        paged.incident_id,
        paged.responder_id,
        page.state,
        answering.incident_state(carried),
    )


def page_view(carried: Carried, page: CarriedPage, roster: Roster | None) -> PageView | None:
    """Return the responder's page; None when the roster has lost the home or the responder."""
    paged, raised = page.paged, carried.raised
    home = roster.homes.get(carried.household_id) if roster else None
    crew = roster.responders if roster else {}
    if home is None or paged.responder_id not in crew:
        return None
    taken = carried.accepted_by not in (None, paged.responder_id)
    over = taken or page.state in ENDED
    answered = [one.at for one in carried.answers if one.page_id == paged.page_id]
    first = crew.get(carried.accepted_by or "")
    return PageView(
        page_id=paged.page_id,
        responder_id=paged.responder_id,
        responder_name=crew[paged.responder_id].name,
        page_state=PageState.STOOD_DOWN if taken else page.state,
        incident_id=paged.incident_id,
        household_id=carried.household_id,
        kind=raised.kind,
        priority=raised.priority,
        incident_state=answering.incident_state(carried),
        opened_at=raised.alarm.at,
        household_name=home.name,
        address="" if over else home.address,
        access_note="" if over else home.access_note,
        lat=None if over else home.lat,
        lon=None if over else home.lon,
        distance_m=paged.distance_m,
        answer_by=paged.answer_by,
        answered_at=max(answered, default=None),
        planned_at=paged.at,
        eta_s=None,
        sharing_since=None,
        created_at=raised.at,
        accepted_by=first.name if first else None,
        over=over,
        evidence=[],
    )
