"""When an incident becomes urgent: somebody is paged, at once or after a grace, and steps begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts import stepping
from alerts.fallback import page_surely
from alerts.lifecycle import ON_THE_WAY, Move, State
from alerts.planning import add_timer, inform
from alerts.policy import Paging
from alerts.transition import Incident, apply
from core.database import Connection
from core.settings import Settings


def page_first(
    conn: Connection, incident: Incident, page: Paging, now: datetime, settings: Settings
) -> Incident:
    """Page for an incident that nobody was paged for yet, as its rule says."""
    if page == "at_once":
        incident = page_surely(conn, incident, now=now, settings=settings)
        stepping.begin(conn, incident, now=now, settings=settings)
        return incident
    if page == "after_grace":
        due_at = now + timedelta(seconds=settings.operator_grace_s)
        add_timer(conn, incident, "auto_dispatch", due_at)
    return incident


def page_more(
    conn: Connection,
    incident: Incident,
    page: Paging,
    actor: str,
    now: datetime,
    settings: Settings,
) -> Incident:
    """Page for an open incident that has become more urgent.

    Whoever acknowledged something lesser is rung again when somebody is paged at once. Who is on
    the way is told, and not doubled; below that, an acknowledgement leaves paging to the operator.
    """
    incident = inform(conn, incident, now=now)
    if page == "at_once":
        if incident.acknowledged_at is not None:
            incident = apply(conn, incident, Move.RING, actor=actor, now=now)
        if incident.state is State.ARRIVED:
            incident = apply(conn, incident, Move.RESEND, actor=actor, now=now)
            return page_afresh(conn, incident, now=now, settings=settings)
        if incident.state in ON_THE_WAY:
            return incident
    elif incident.state is not State.RAISED:
        return incident
    return page_first(conn, incident, page, now, settings)


def page_afresh(
    conn: Connection, incident: Incident, *, now: datetime, settings: Settings
) -> Incident:
    """Send for somebody anew, whoever was asked before; the steps begin again."""
    incident = page_surely(conn, incident, now=now, settings=settings, afresh=True)
    stepping.begin(conn, incident, now=now, settings=settings)
    return incident
