"""What a responder does with a page: look, accept, decline, arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.arrival import expect_arrival
from alerts.evidence import EvidenceLine, evidence_in
from alerts.lifecycle import (
    BEING_ASKED,
    CLOSED_STATES,
    ENDED,
    MAY_STILL_ANSWER,
    ON_THE_JOB,
    ON_THE_WAY,
    Move,
    PageState,
    State,
)
from alerts.link_checks import check_fresh
from alerts.planning import page_next, stand_down, wants_next
from alerts.positions import unshare
from alerts.transition import Incident, apply, lock_open
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound
from core.settings import Settings

_QUERIES = sql.load("alerts")


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What stands after an answer."""

    page_id: int
    incident_id: int
    responder_id: str
    page_state: PageState
    incident_state: State

    @property
    def accepted(self) -> bool:
        return self.page_state in ON_THE_JOB


@dataclass(frozen=True, slots=True)
class PageView:
    """A responder's page.

    Once the responder has nothing to do with it any more (`over`: declined, stood down, or the
    incident closed), address, access note and evidence are empty: a home is shown only to those
    with a reason. `evidence` holds object keys with their digests, oldest first. `created_at` is
    when the service had the alarm, from which the 25 minutes run.
    """

    page_id: int
    responder_id: str
    responder_name: str
    page_state: PageState
    incident_id: int
    household_id: str
    kind: str
    priority: int
    incident_state: State
    opened_at: datetime
    household_name: str
    address: str
    access_note: str
    lat: float | None
    lon: float | None
    distance_m: float
    answer_by: datetime
    answered_at: datetime | None
    planned_at: datetime
    eta_s: float | None
    sharing_since: datetime | None
    created_at: datetime
    accepted_by: str | None
    over: bool
    evidence: list[EvidenceLine]
    on_test: bool = False  # the home was, when it was raised (docs/adr/0027)
    grouped: int = 0  # other faults of the district that wait for this one (`alerts.grouping`)

    @property
    def on_the_job(self) -> bool:
        return self.page_state in ON_THE_JOB and not self.over


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is worked on, its incident locked."""

    page_id: int
    incident_id: int
    responder_id: str
    responder_name: str
    round: int
    state: PageState
    planned_at: datetime
    key: str | None = None  # of the answer that is being taken
    channel: str | None = None  # by which it came

    @property
    def actor(self) -> str:
        return f"responder:{self.responder_id}"


def answer(
    conn: Connection,
    page_id: int,
    *,
    accept: bool,
    now: datetime,
    settings: Settings,
    key: str | None = None,
    channel: str | None = None,
) -> AnswerView:
    """Take a responder's answer; the same answer again changes nothing.

    `key` tells an answer from an earlier one that is sent again (`alerts.link_checks`); `channel`
    is that of the delivery which brought it, None where that is not known.

    The first acceptance wins and the others are stood down; a late one counts while nobody else
    accepted. A refusal, also of who had accepted and is not there yet, pages the next at once.
    Raises `NotFound`, and `Conflict` when somebody else was first or the incident is over.
    """
    page, incident = locked_page(conn, page_id, key, channel)
    stands = ON_THE_JOB if accept else ENDED
    if page.state not in stands:
        check_fresh(conn, incident.incident_id, page_id, accept=accept, key=key)
    if accept:
        return _accept(conn, page, incident, now)
    return _decline(conn, page, incident, now, settings)


def arrive(conn: Connection, page_id: int, *, now: datetime) -> AnswerView:
    """Note that the responder who accepted stands at the door; again changes nothing.

    Raises `NotFound`, and `Conflict` for one who has not accepted or when the incident is over.
    """
    page, incident = locked_page(conn, page_id)
    if page.state is PageState.ARRIVED:
        return _view(page, incident)
    if page.state is not PageState.ACCEPTED:
        raise Conflict("only who has accepted can arrive", "page.not_accepted")
    given_up = incident.state is State.DISPATCHED
    incident = apply(conn, incident, Move.ARRIVE, actor=page.actor, now=now, detail=_detail(page))
    view = set_state(conn, page, incident, PageState.ARRIVED)
    conn.execute(_QUERIES["end_page_timer"], {"page_id": page.page_id, "now": now})
    if given_up:  # whoever was asked instead need not come
        stand_down(conn, incident, now=now, but=page.responder_id)
    return view


def depart(conn: Connection, page_id: int, *, now: datetime) -> AnswerView:
    """Note that the responder who accepted is on the way; again, or once arrived, changes nothing.

    Raises `NotFound`, and `Conflict` for one who has not accepted or when the incident is over.
    """
    page, incident = locked_page(conn, page_id)
    if page.state not in ON_THE_JOB:
        raise Conflict("only who has accepted can be on the way", "page.not_accepted")
    if page.state is PageState.ARRIVED or incident.state is not State.ACCEPTED:
        return _view(page, incident)
    incident = apply(conn, incident, Move.DEPART, actor=page.actor, now=now, detail=_detail(page))
    return _view(page, incident)


def page_view(conn: Connection, page_id: int) -> PageView:
    """Return what the responder may see now; raise `NotFound`."""
    row = conn.execute(_QUERIES["page_view"], {"page_id": page_id}).fetchone()
    if row is None:
        raise NotFound(f"no page {page_id}", "page.unknown")
    ids = {"incident_id": row["incident_id"]}
    first = _accepted_by(conn, row["incident_id"])
    page_state, state = PageState(row.pop("page_state")), State(row.pop("incident_state"))
    over = state in CLOSED_STATES or page_state in ENDED
    evidence: list[EvidenceLine] = []
    if over:
        row |= {"address": "", "access_note": "", "lat": None, "lon": None}
    else:
        datas = conn.execute(_QUERIES["data_of_incident"], ids).fetchall()
        evidence = [line for data in datas for line in evidence_in(data["data"])]
    return PageView(
        **row,
        page_state=page_state,
        incident_state=state,
        accepted_by=first["responder_name"] if first else None,
        over=over,
        evidence=evidence,
    )


def responder_of(conn: Connection, page_id: int) -> str | None:
    """Return to whom the page was sent; None when there is none."""
    row = conn.execute(_QUERIES["page"], {"page_id": page_id}).fetchone()
    return row["responder_id"] if row else None


def open_pages(conn: Connection, responder_id: str) -> list[dict[str, Any]]:
    """Return what the responder is asked for or works on, the most urgent first.

    Columns `page_id state kind priority created_at household_name`.
    """
    return conn.execute(_QUERIES["open_pages_of"], {"responder_id": responder_id}).fetchall()


def _accept(conn: Connection, page: Page, incident: Incident, now: datetime) -> AnswerView:
    if page.state in ON_THE_JOB:
        return _view(page, incident)
    first = _accepted_by(conn, incident.incident_id)
    if first is not None and first["responder_id"] == page.responder_id:
        return AnswerView(
            first["page_id"],
            incident.incident_id,
            page.responder_id,
            PageState.ACCEPTED,
            incident.state,
        )
    # Whoever was asked before the acceptance is stood down by it; a page still open beside it
    # was sent afterwards, by an operator who wants a second responder.
    if first is not None and page.state not in MAY_STILL_ANSWER:
        raise Conflict(
            f"{first['responder_name']} accepted first", "page.taken", by=first["responder_name"]
        )
    incident = apply(conn, incident, Move.ACCEPT, actor=page.actor, now=now, detail=_detail(page))
    view = set_state(conn, page, incident, PageState.ACCEPTED, answered_at=now)
    _end_asking(conn, page, now)
    expect_arrival(conn, incident, page.page_id, now=now)
    stand_down(conn, incident, now=now, but=page.responder_id)
    return view


def _decline(
    conn: Connection, page: Page, incident: Incident, now: datetime, settings: Settings
) -> AnswerView:
    if page.state in ENDED:
        return _view(page, incident)
    if page.state is PageState.ARRIVED:
        raise Conflict("you have arrived; tell what you found", "page.arrived")
    view = set_state(conn, page, incident, PageState.DECLINED, answered_at=now)
    _end_asking(conn, page, now)
    unshare(conn, page.page_id)
    withdrawn = (
        page.state is PageState.ACCEPTED
        and incident.state in ON_THE_WAY
        and _accepted_by(conn, incident.incident_id) is None
    )
    move = Move.WITHDRAW if withdrawn else Move.DECLINE
    incident = apply(conn, incident, move, actor=page.actor, now=now, detail=_detail(page))
    # An unanswered page was followed by the next already.
    if withdrawn or (page.state in BEING_ASKED and wants_next(incident, page.planned_at)):
        incident = page_next(
            conn, incident, now=now, settings=settings, new_round=withdrawn
        ).incident
    return AnswerView(
        view.page_id, view.incident_id, view.responder_id, view.page_state, incident.state
    )


def _end_asking(conn: Connection, page: Page, now: datetime) -> None:
    given = {"page_id": page.page_id, "now": now, "channel": page.channel}
    conn.execute(_QUERIES["end_page_timer"], given)
    conn.execute(_QUERIES["answered_by"], given)


def locked_page(
    conn: Connection, page_id: int, key: str | None = None, channel: str | None = None
) -> tuple[Page, Incident]:
    """Lock and return a page and its open incident; raise `NotFound`, `Conflict` when over."""
    found = conn.execute(_QUERIES["page_incident"], {"page_id": page_id}).fetchone()
    if found is None:
        raise NotFound(f"no page {page_id}", "page.unknown")
    incident = lock_open(conn, found["incident_id"])
    row = conn.execute(_QUERIES["page"], {"page_id": page_id}).fetchone()
    if row is None:
        raise NotFound(f"no page {page_id}", "page.unknown")
    state = PageState(row["state"])
    return Page(**{**row, "state": state}, key=key, channel=channel), incident


def _accepted_by(conn: Connection, incident_id: int) -> dict[str, Any] | None:
    return conn.execute(_QUERIES["who_accepted"], {"incident_id": incident_id}).fetchone()


def _detail(page: Page) -> dict[str, str | int | bool | None]:
    named: dict[str, str | int | bool | None] = {
        "page_id": page.page_id,
        "responder": page.responder_id,
    }
    given = {"key": page.key, "channel": page.channel}
    return named | {name: value for name, value in given.items() if value}


def _view(page: Page, incident: Incident) -> AnswerView:
    return AnswerView(page.page_id, page.incident_id, page.responder_id, page.state, incident.state)


def set_state(
    conn: Connection,
    page: Page,
    incident: Incident,
    state: PageState,
    *,
    answered_at: datetime | None = None,
) -> AnswerView:
    """Write the state of a page whose incident is locked."""
    conn.execute(
        _QUERIES["set_page_state"],
        {"page_id": page.page_id, "state": state, "answered_at": answered_at},
    )
    return AnswerView(page.page_id, page.incident_id, page.responder_id, state, incident.state)
