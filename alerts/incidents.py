"""From events and operators to incidents: open, join, restore, acknowledge, dispatch, close.

Every function works inside the caller's transaction and writes nothing outside it, so an event
and what follows from it are committed together or not at all. Several events of different homes
in one transaction: take them in order of household id, so that two processes do not deadlock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from alerts import policy
from alerts.arrival import alarm_again
from alerts.audit import Detail
from alerts.fallback import page_surely
from alerts.lifecycle import Move
from alerts.planning import add_timer, page_given, page_next, stand_down
from alerts.policy import Plan, Seen
from alerts.transition import Incident, apply, find_open, lock, lock_open, open_or_find
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import Conflict
from core.model import Event
from core.settings import Settings

Outcome = Literal["closed", "false_alarm", "cancelled"]

_ENDING: dict[Outcome, Move] = {
    "closed": Move.CLOSE,
    "false_alarm": Move.MARK_FALSE,
    "cancelled": Move.CANCEL,
}
_TIMERS = ["page_unanswered", "auto_dispatch", "repage", "no_arrival"]
_QUERIES = sql.load("alerts")


def on_event(conn: Connection, event: Event, *, now: datetime, settings: Settings) -> int | None:
    """Take one event; return the id of the incident it opened or joined, None for neither.

    An alarm opens the home's incident of its kind or joins the open one; pages are planned, or
    a timer gives an operator time to look first. Another alarm for a life rings again a minute
    after the acknowledgement, and pages again once somebody has arrived or is overdue. A restore
    joins the incident that holds its alarm and closes nothing: a human decides. The same event
    again changes nothing, also when its incident has been closed since. Raises what the database
    raises.
    """
    plan = policy.plan_for(event.type)
    kinds = policy.restored_kinds(event.type)
    if plan is None and not kinds:
        return None
    conn.execute(_QUERIES["lock_home"], {"household_id": event.household_id})
    if plan is not None:
        return _known(conn, event) or _alarm(conn, event, plan, now, settings)
    return _restore(conn, event, kinds, now)


def acknowledge(conn: Connection, incident_id: int, *, actor: str, now: datetime) -> None:
    """Note that `actor` has the incident in hand; again by the same actor changes nothing.

    Below life safety this also stops paging that began by itself: the operator decides. Raises
    `NotFound`, and `Conflict` when somebody else was first or the incident is over.
    """
    incident = lock_open(conn, incident_id)
    if incident.acknowledged_by == actor:
        return
    if incident.acknowledged_by is not None:
        raise Conflict(
            f"{incident.acknowledged_by} acknowledged incident {incident_id} at "
            f"{incident.acknowledged_at:%H:%M:%S} UTC"
        )
    apply(conn, incident, Move.ACKNOWLEDGE, actor=actor, now=now)
    if incident.priority != Priority.LIFE_SAFETY:
        _end_timers(conn, incident, now, ["auto_dispatch", "repage"])


def dispatch(
    conn: Connection,
    incident_id: int,
    *,
    actor: str,
    now: datetime,
    settings: Settings,
    responder_id: str | None = None,
) -> int | None:
    """Page `responder_id`, or the nearest who was not asked yet; return the page's id.

    None: nobody on shift can be paged; it is on the board, and tried again every 15 s. Raises
    `NotFound`, and `Conflict` when the incident is over or whoever could be asked is being asked.
    """
    incident = lock_open(conn, incident_id)
    _end_timers(conn, incident, now, ["auto_dispatch"])
    if responder_id is not None:
        return page_given(
            conn, incident, responder_id, now=now, settings=settings, actor=actor
        ).page_id
    found = page_next(conn, incident, now=now, settings=settings, actor=actor, new_round=True)
    if found.page_id is None and not found.nobody:
        raise Conflict("everybody on shift is being paged or on the way already")
    return found.page_id


def close(
    conn: Connection,
    incident_id: int,
    *,
    actor: str,
    now: datetime,
    outcome: Outcome,
    note: str = "",
) -> None:
    """End an incident; whoever was paged and did not decline is told to stand down.

    The same again by the same actor changes nothing. Raises `NotFound`, and `Conflict` when
    somebody else closed it or it was closed otherwise.
    """
    incident = lock(conn, incident_id)
    if incident.closed and (incident.state, incident.closed_by) == (outcome, actor):
        return
    if incident.closed:
        raise Conflict(f"incident {incident_id} is over: {incident.state} by {incident.closed_by}")
    detail = {"note": note} if note else {}
    incident = apply(
        conn, incident, _ENDING[outcome], actor=actor, now=now, detail=detail, note=note
    )
    stand_down(conn, incident, now=now)
    _end_timers(conn, incident, now, _TIMERS)


def add_note(conn: Connection, incident_id: int, *, actor: str, now: datetime, note: str) -> None:
    """Write a note into the log, also after the incident was closed. Raises `NotFound`."""
    incident = lock(conn, incident_id)
    apply(conn, incident, Move.NOTE, actor=actor, now=now, detail={"note": note})


def _alarm(conn: Connection, event: Event, plan: Plan, now: datetime, settings: Settings) -> int:
    actor = f"device:{event.device_id}"
    detail = _named(event)
    incident, new = open_or_find(
        conn,
        household_id=event.household_id,
        kind=plan.kind,
        priority=plan.priority,
        opened_at=event.at,
        actor=actor,
        now=now,
        detail=detail,
    )
    _add_event(conn, incident, event)
    if not new:
        incident = apply(
            conn,
            incident,
            Move.JOIN,
            actor=actor,
            now=now,
            detail=detail,
            priority=plan.priority,
        )
        if plan.priority == Priority.LIFE_SAFETY:
            incident, anew = alarm_again(conn, incident, actor=actor, now=now)
            if anew:
                page_surely(conn, incident, now=now, settings=settings, afresh=True)
        return incident.incident_id
    when = policy.paging(plan, event.household_id)
    if when == "at_once":
        page_surely(conn, incident, now=now, settings=settings)
    elif when == "after_grace":
        due_at = now + timedelta(seconds=settings.operator_grace_s)
        add_timer(conn, incident, "auto_dispatch", due_at)
    return incident.incident_id


def _restore(
    conn: Connection, event: Event, kinds: frozenset[policy.Kind], now: datetime
) -> int | None:
    restore = Seen(event.type, event.device_id, event.seq)
    for kind in sorted(kinds):
        incident = find_open(conn, event.household_id, kind)
        if incident is None:
            continue
        rows = conn.execute(_QUERIES["events_in_log"], {"incident_id": incident.incident_id})
        before = [Seen(**row) for row in rows]
        if policy.outstanding(before) == policy.outstanding([*before, restore]):
            continue  # every closing door would otherwise add a line to a week-old fault
        known = _known(conn, event)
        if known is not None:
            return known
        _add_event(conn, incident, event)
        apply(
            conn,
            incident,
            Move.RESTORE,
            actor=f"device:{event.device_id}",
            now=now,
            detail=_named(event),
        )
        return incident.incident_id
    return None


def _known(conn: Connection, event: Event) -> int | None:
    """Return the incident that took this very event before."""
    row = conn.execute(_QUERIES["incident_of_event"], _identity(event)).fetchone()
    return int(row["incident_id"]) if row else None


def _named(event: Event) -> Detail:
    return {"type": event.type, "device": event.device_id, "seq": event.seq}


def _identity(event: Event) -> dict[str, object]:
    return {
        "household_id": event.household_id,
        "at": event.at,
        "device_id": event.device_id,
        "seq": event.seq,
        "source": event.source,
    }


def _add_event(conn: Connection, incident: Incident, event: Event) -> None:
    conn.execute(
        _QUERIES["add_incident_event"],
        {
            **_identity(event),
            "incident_id": incident.incident_id,
            "type": event.type,
            "data": event.data.decode(),
        },
    )


def _end_timers(conn: Connection, incident: Incident, now: datetime, kinds: list[str]) -> None:
    conn.execute(
        _QUERIES["end_timers"],
        {"incident_id": incident.incident_id, "now": now, "kinds": kinds},
    )
