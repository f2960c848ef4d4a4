"""Somebody accepted: will they be there in time, have they come, and what a new alarm asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.audit import Detail
from alerts.crew import asked_of, read_crew
from alerts.eta.street_factor import travel_s
from alerts.lifecycle import BEING_ASKED, ON_THE_WAY, Move, PageState, State
from alerts.planning import add_timer, end_timers, page_one
from alerts.policy import Whom, whom
from alerts.positions import fixes_of
from alerts.ranking import Fix, Position, distance_m, mode_of
from alerts.rules.lines import Place
from alerts.rules.steps import Step
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.settings import Settings

# A security company must be there 25 minutes after the alarm at the latest (Korea, Enforcement
# Decree of the Security Services Industry Act, article 7).
ARRIVE_WITHIN = timedelta(minutes=25)
# A second press in the first minute is the same call; a later one has to be heard again.
RING_AGAIN_AFTER = timedelta(seconds=60)
_CHECK_EVERY = timedelta(seconds=15)
_BESIDE = Step(Place(0), 1, 0, next=1, also=(Whom.SUPERVISORS,))
_QUERIES = sql.load("alerts")


def expect_arrival(conn: Connection, incident: Incident, page_id: int, *, now: datetime) -> None:
    """Set the timer `no_arrival` for a responder who accepted to come to a home in danger."""
    if incident.priority > Priority.INTRUSION:
        return
    if whom(incident.kind, incident.household_id) is Whom.FIELD:
        add_timer(conn, incident, "no_arrival", now + ARRIVE_WITHIN, page_id)
        end_timers(conn, incident, now, ["arrival_check"])
        add_timer(conn, incident, "arrival_check", now)


def check(conn: Connection, incident: Incident, *, now: datetime, settings: Settings) -> Incident:
    """Raise a breach of the 25 minutes before it happens: log it, and ask others beside.

    Asked are the next nearest and the supervisors of the district, and when none of them accepts,
    the next again. Looks again every 15 s while somebody is on the way.
    """
    if incident.state not in ON_THE_WAY:
        return incident
    add_timer(conn, incident, "arrival_check", now + _CHECK_EVERY)
    ids = {"incident_id": incident.incident_id}
    found = _expected(conn, incident.incident_id, now)
    if not found:
        return incident
    first_at, first = min(found, key=lambda one: one[0])
    late = first_at - (first["created_at"] + ARRIVE_WITHIN)
    if late <= timedelta(0):
        return incident
    told = conn.execute(_QUERIES["breach_told"], ids).fetchone()
    if told is None or not told["told"]:
        detail: Detail = {
            "page_id": first["page_id"],
            "responder": first["responder_id"],
            "late_s": round(late.total_seconds()),
        }
        incident = apply(conn, incident, Move.BREACH, actor=SYSTEM, now=now, detail=detail)
    return _ask_beside(conn, incident, now, settings)


def expectations(conn: Connection, incident_id: int, *, now: datetime) -> dict[int, datetime]:
    """Return when those on the way will be there, as known now, by their page."""
    return {row["page_id"]: at for at, row in _expected(conn, incident_id, now)}


def _expected(
    conn: Connection, incident_id: int, now: datetime
) -> list[tuple[datetime, dict[str, Any]]]:
    rows = conn.execute(_QUERIES["accepted"], {"incident_id": incident_id}).fetchall()
    fixes = fixes_of(conn, now) if rows else {}
    return [(expected_at(row, fixes.get(row["responder_id"]), now), row) for row in rows]


def expected_at(row: Mapping[str, Any], fix: Fix | None, now: datetime) -> datetime:
    """Return when somebody who accepted will be there, never before `now`. Pure.

    By what is newest: where they were seen on the way, a road service, or what was expected when
    they were asked. `row` is one of the query `accepted`.
    """
    accepted_at: datetime = row["answered_at"]
    by_road = row["routed_at"]
    if fix is not None and fix.at >= accepted_at and (by_road is None or fix.at > by_road):
        home = Position(row["lat"], row["lon"])
        metres = distance_m(fix.position, home) + fix.accuracy_m
        at = fix.at + timedelta(seconds=travel_s(metres, mode_of(row["kind"])))
    elif by_road is not None and by_road >= accepted_at:
        at = by_road + timedelta(seconds=row["travel_s"])
    else:
        at = accepted_at + timedelta(seconds=row["eta_s"] or 0.0)
    return max(at, now)


def _ask_beside(
    conn: Connection, incident: Incident, now: datetime, settings: Settings
) -> Incident:
    asked = asked_of(conn, incident)
    if any(page.state in BEING_ASKED for page in asked):
        return incident
    current = max((page.round for page in asked), default=1)
    crew = read_crew(conn, incident, settings.timezone, now=now)
    for one in crew.for_step(_BESIDE, {page.responder_id for page in asked}, now):
        row = crew.rows[one.responder_id]
        incident = page_one(conn, incident, row, one, current, now, settings, SYSTEM).incident
    return incident


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
