"""Somebody accepted: has anybody come in time, and what a new alarm asks for after that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerts.lifecycle import ON_THE_WAY, Move, PageState, State
from alerts.planning import add_timer
from alerts.policy import Whom, whom
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.catalogue import Priority
from core.database import Connection

# A security company must be there 25 minutes after the alarm at the latest (Korea, Enforcement
# Decree of the Security Services Industry Act, article 7).
ARRIVE_WITHIN = timedelta(minutes=25)
# A second press in the first minute is the same call; a later one has to be heard again.
RING_AGAIN_AFTER = timedelta(seconds=60)
_QUERIES = sql.load("alerts")


def expect_arrival(conn: Connection, incident: Incident, page_id: int, *, now: datetime) -> None:
    """Set the timer `no_arrival` for a responder who accepted to come to a home in danger."""
    if incident.priority > Priority.INTRUSION:
        return
    if whom(incident.kind, incident.household_id) is Whom.FIELD:
        add_timer(conn, incident, "no_arrival", now + ARRIVE_WITHIN, page_id)


def overdue(conn: Connection, incident: Incident, *, now: datetime) -> Incident | None:
    """Log `overdue` when even the last who accepted is not there in time; None: they are not late.

    The incident is `dispatched` again; the late responder may still arrive.
    """
    if incident.state not in ON_THE_WAY:
        return None
    last = _last_accepted(conn, incident)
    if last is None or last["answered_at"] > now - ARRIVE_WITHIN:
        return None
    detail = {"page_id": last["page_id"], "responder": last["responder_id"]}
    return apply(conn, incident, Move.OVERDUE, actor=SYSTEM, now=now, detail=detail)


def alarm_again(
    conn: Connection, incident: Incident, *, actor: str, now: datetime
) -> tuple[Incident, bool]:
    """Let another alarm for a life be heard; True when somebody must be sent for anew.

    That is so once somebody has arrived, or is too late to be waited for.
    """
    acknowledged_at = incident.acknowledged_at
    if acknowledged_at is not None and now - acknowledged_at > RING_AGAIN_AFTER:
        incident = apply(conn, incident, Move.RING, actor=actor, now=now)
    if incident.state is State.ARRIVED:
        return apply(conn, incident, Move.RESEND, actor=actor, now=now), True
    late = overdue(conn, incident, now=now)
    return late or incident, late is not None


def _last_accepted(conn: Connection, incident: Incident) -> dict[str, Any] | None:
    return conn.execute(
        _QUERIES["last_accepted"],
        {"incident_id": incident.incident_id, "state": PageState.ACCEPTED},
    ).fetchone()
