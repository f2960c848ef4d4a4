"""The steps of an escalation in the database: timers that begin with the first page.

They ask beside what `alerts.planning` does: whoever does not answer is followed by the next, with
steps or without, so that nobody is ever forgotten. Where a step is due in the same moment, the step
says who that is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.audit import Detail
from alerts.crew import asked_lately, asked_of, read_crew
from alerts.grouping import joins_flood
from alerts.lifecycle import ANSWERED, BEING_ASKED, Move
from alerts.planning import end_timers, page_next, page_one
from alerts.policy import Whom, whom
from alerts.rules.loading import rules_of
from alerts.rules.steps import Step
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.database import Connection
from core.settings import Settings

_MOMENT = timedelta(seconds=1)
_QUERIES = sql.load("alerts")


def begin(
    conn: Connection,
    incident: Incident,
    *,
    now: datetime,
    settings: Settings,
    since: datetime | None = None,
) -> None:
    """Set the timers of the steps that hold for the incident, instead of any that stand.

    `since` is when the first page went out, `now` without it; steps before `now` are over.
    """
    end_timers(conn, incident, now, ["step"])
    if whom(incident.kind, incident.household_id) is not Whom.FIELD:
        return
    began = since or now
    for step in _steps(conn, incident, settings):
        due_at = began + timedelta(seconds=step.after_s)
        if due_at > now:
            values = {"incident_id": incident.incident_id, "due_at": due_at}
            conn.execute(_QUERIES["add_step"], {**values, "step_s": step.after_s})


def due(conn: Connection, incident: Incident, now: datetime) -> bool:
    """Say whether a step is due in this moment, or within a second."""
    values = {"incident_id": incident.incident_id, "until": now + _MOMENT}
    return conn.execute(_QUERIES["step_due"], values).fetchone() is not None


def take(
    conn: Connection, incident: Incident, step_s: int, *, now: datetime, settings: Settings
) -> Incident:
    """Ask whom the step names, unless somebody has accepted.

    A step that is in the rules no more asks the next.
    """
    if incident.closed or incident.state in ANSWERED:
        return incident
    waits = joins_flood(conn, incident, now=now)
    if waits is not None:
        return waits
    steps = _steps(conn, incident, settings)
    step = next((one for one in steps if one.after_s == step_s), None)
    if step is None:
        return page_next(conn, incident, now=now, settings=settings, new_round=True).incident
    asked = asked_of(conn, incident)
    current = max((page.round for page in asked), default=1)
    crew = read_crew(conn, incident, settings.timezone, now=now)
    chosen = crew.for_step(step, asked_lately(asked, incident, current), now)
    detail: Detail = {"after_s": step_s, "asked": len(chosen)}
    incident = apply(conn, incident, Move.ESCALATE, actor=SYSTEM, now=now, detail=detail)
    for one in chosen:
        row = crew.rows[one.responder_id]
        incident = page_one(conn, incident, row, one, current, now, settings, SYSTEM).incident
    waiting = bool(chosen) or any(page.state in BEING_ASKED for page in asked)
    if waiting:
        return incident
    return page_next(conn, incident, now=now, settings=settings, new_round=True).incident


def _steps(conn: Connection, incident: Incident, settings: Settings) -> tuple[Step, ...]:
    home = conn.execute(_QUERIES["home"], {"household_id": incident.household_id}).fetchone()
    district = home["district"] if home else ""
    return rules_of(settings).escalation.steps(incident.priority, district)
