"""From events to incidents: the facts are read, the rules decide, what they decide is written.

Every function works inside the caller's transaction and writes nothing outside it, so an event
and what follows from it are committed together or not at all. Several events of different homes
in one transaction: take them in order of household id, so that two processes do not deadlock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts import notices, policy
from alerts.arrival import alarm_again
from alerts.audit import Detail
from alerts.circumstances import local_time, on_test, open_incidents, read_home
from alerts.incident_events import actor_of, add_event, evidence_of, known, named
from alerts.lifecycle import Move
from alerts.planning import TIMERS, add_timer, end_timers, stand_down
from alerts.policy import Kind, Seen
from alerts.rules.deciding import Closes, Home, Joins, Opens, Raised, decide, raised
from alerts.rules.loading import rules_of
from alerts.rules.table import Table
from alerts.transition import SYSTEM, Incident, apply, find_open, lock, open_or_find
from alerts.urgency import page_afresh, page_first, page_more
from alerts.validation import Reason
from core import sql
from core.catalogue import Priority, Source
from core.database import Connection
from core.model import Event
from core.settings import Settings

# by then whoever did not see the incident while it was being opened has committed
_SETTLED_AFTER = timedelta(seconds=3)
_QUERIES = sql.load("alerts")


def on_event(
    conn: Connection,
    event: Event,
    *,
    now: datetime,
    settings: Settings,
    carried_as: int | None = None,
) -> int | None:
    """Take one event; return the id of the incident it opened, joined or closed, None for neither.

    The rules say what an alarm opens or joins, and when somebody is paged for it: at once, or
    after a grace in which an operator may look first. Another alarm for a life rings again a
    minute after the acknowledgement, and pages again once somebody has arrived or is overdue. A
    restore joins the incident that holds its alarm and closes nothing: a human decides. The same
    event again changes nothing, also when its incident has been closed since. `carried_as` is the
    id of the incident that the lifeline opened for it: one that is new gets this id, and nobody is
    paged again for it. Raises what the database raises, and `RulesRefused`.
    """
    rules = rules_of(settings)
    restores = rules.restored_in(event.type)
    weighed = event.type in rules.first or policy.opens_incident(event.type)
    if not weighed and not restores:
        return None
    conn.execute(_QUERIES["lock_home"], {"household_id": event.household_id})
    if weighed:
        before = known(conn, event)
        if before is not None:
            return before
        looks = event.type in rules.looks_at_home
        home = read_home(conn, event, rules, now=now, settings=settings) if looks else Home()
        decision = decide(rules, event.type, event.at, home)
        if isinstance(decision, Opens):
            return _open(conn, event, decision, now, settings, carried_as)
        if isinstance(decision, Joins):
            return _join(conn, event, decision, now, settings)
        if isinstance(decision, Closes):
            return _close(conn, event, decision, now)
    return _restore(conn, event, restores, now)


def look_again(
    conn: Connection, incident: Incident, *, now: datetime, settings: Settings
) -> Incident:
    """Raise an open incident if the rules do so by the time that has passed.

    Or close it by what came while it was being opened, and was not handed over.
    """
    rules = rules_of(settings)
    for event in _informed_meanwhile(conn, incident, rules):
        home = read_home(conn, event, rules, now=now, settings=settings)
        decision = decide(rules, event.type, event.at, home)
        if isinstance(decision, Closes) and decision.kind == incident.kind:
            _close(conn, event, decision, now)
            return lock(conn, incident.incident_id)
    opened = open_incidents(conn, incident.household_id, now)
    found = opened.get(Kind(incident.kind))
    if found is None:
        return incident
    home = Home(opened, local=local_time(now, settings))
    more = raised(rules, found, home)
    if more is None:
        return incident
    detail: Detail = {"rule": more.rule}
    return _upgrade(conn, incident, more, SYSTEM, detail, now, settings)


def _open(
    conn: Connection,
    event: Event,
    to: Opens,
    now: datetime,
    settings: Settings,
    carried_as: int | None,
) -> int:
    actor, detail = actor_of(event), {**named(event, to.rule), **on_test(conn, event)}
    page = policy.paging(to.page, to.kind, event.household_id)
    taken = _take_over(conn, event, to, detail, now, settings)
    if taken is not None:
        return taken.incident_id
    incident, new = open_or_find(
        conn,
        household_id=event.household_id,
        kind=to.kind,
        priority=to.priority,
        opened_at=event.at,
        actor=actor,
        now=now,
        detail=detail,
        evidence=evidence_of(event, to.follows),
        incident_id=carried_as,
    )
    add_event(conn, incident, event)
    if new:
        if carried_as is None:
            incident = page_first(conn, incident, page, now, settings)
        if to.tell:
            notices.plan(conn, incident, now=now)
        if rules_of(settings).closed_by(to.kind):
            add_timer(conn, incident, "rules", now + _SETTLED_AFTER)
        for seconds in to.check_after_s:
            add_timer(conn, incident, "rules", now + timedelta(seconds=seconds))
        return incident.incident_id
    more = to.priority < incident.priority
    incident = apply(
        conn,
        incident,
        Move.JOIN,
        actor=actor,
        now=now,
        detail=detail,
        priority=to.priority,
        evidence=evidence_of(event, to.follows),
    )
    if more:
        page_more(conn, incident, page, actor, now, settings)
    elif to.priority == Priority.LIFE_SAFETY:
        incident, anew = alarm_again(conn, incident, actor=actor, now=now)
        if anew:
            page_afresh(conn, incident, now=now, settings=settings)
    return incident.incident_id


def _take_over(
    conn: Connection, event: Event, to: Opens, detail: Detail, now: datetime, settings: Settings
) -> Incident | None:
    """Make the incident that this one continues one of its kind; None when there is none."""
    if to.takes_over is None or find_open(conn, event.household_id, to.kind) is not None:
        return None
    incident = find_open(conn, event.household_id, to.takes_over)
    if incident is None:
        return None
    add_event(conn, incident, event)
    detail = {**detail, "was": to.takes_over.value}
    more = Raised(to.priority, to.page, to.rule)
    return _upgrade(
        conn,
        incident,
        more,
        actor_of(event),
        detail,
        now,
        settings,
        kind=to.kind,
        evidence=evidence_of(event, to.follows),
    )


def _join(
    conn: Connection, event: Event, to: Joins, now: datetime, settings: Settings
) -> int | None:
    incident = find_open(conn, event.household_id, to.kind)
    if incident is None:
        return None  # an operator has closed it since the rules looked
    add_event(conn, incident, event)
    actor, detail = actor_of(event), named(event, to.rule)
    if to.inhibited:
        detail = {**named(event), "inhibited_by": to.rule}
    incident = apply(
        conn, incident, Move.JOIN, actor=actor, now=now, detail=detail, evidence=evidence_of(event)
    )
    if to.raised:
        _upgrade(conn, incident, to.raised, actor, {"rule": to.raised.rule}, now, settings)
    return incident.incident_id


def _close(conn: Connection, event: Event, to: Closes, now: datetime) -> int | None:
    incident = find_open(conn, event.household_id, to.kind)
    if incident is None or incident.acknowledged_by is not None:
        return None
    add_event(conn, incident, event)
    detail = {**named(event, to.rule), "cause": to.cause}
    incident = apply(
        conn,
        incident,
        Move.MARK_FALSE,
        actor=actor_of(event),
        now=now,
        detail=detail,
        note=to.rule,
        false_cause=to.cause,
    )
    stand_down(conn, incident, now=now)
    end_timers(conn, incident, now, TIMERS)
    return incident.incident_id


def _informed_meanwhile(conn: Connection, incident: Incident, rules: Table) -> list[Event]:
    """Return the events that could have closed the incident while nobody knew that it was open.

    Ingest hands over what only explains an incident where one is open already: the door that is
    unlocked in the very moment of the opening is not among it.
    """
    types = sorted(rules.closed_by(Kind(incident.kind)))
    if not types:
        return []
    given = {"incident_id": incident.incident_id, "household_id": incident.household_id}
    rows = conn.execute(
        _QUERIES["informed_meanwhile"], {**given, "types": types, "settled": _SETTLED_AFTER}
    )
    return [
        Event(**{**row, "source": Source(row["source"]), "data": row["data"].encode()})
        for row in rows
    ]


def _upgrade(
    conn: Connection,
    incident: Incident,
    more: Raised,
    actor: str,
    detail: Detail,
    now: datetime,
    settings: Settings,
    *,
    kind: Kind | None = None,
    evidence: tuple[Reason, ...] = (),
) -> Incident:
    detail = {**detail, "priority": min(more.priority, incident.priority)}
    incident = apply(
        conn,
        incident,
        Move.UPGRADE,
        actor=actor,
        now=now,
        detail=detail,
        priority=more.priority,
        kind=kind,
        evidence=evidence,
    )
    return page_more(conn, incident, more.page, actor, now, settings)


def _restore(conn: Connection, event: Event, kinds: frozenset[Kind], now: datetime) -> int | None:
    restore = Seen(event.type, event.device_id, event.seq)
    for kind in sorted(kinds):
        incident = find_open(conn, event.household_id, kind)
        if incident is None:
            continue
        rows = conn.execute(_QUERIES["events_in_log"], {"incident_id": incident.incident_id})
        before = [Seen(**row) for row in rows]
        if policy.outstanding(before) == policy.outstanding([*before, restore]):
            continue  # every closing door would otherwise add a line to a week-old fault
        taken = known(conn, event)
        if taken is not None:
            return taken
        add_event(conn, incident, event)
        apply(conn, incident, Move.RESTORE, actor=actor_of(event), now=now, detail=named(event))
        return incident.incident_id
    return None
