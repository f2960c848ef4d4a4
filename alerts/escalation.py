"""What happens when nobody does anything: timers that stand in the database.

page_unanswered   the page's time is over: page the next
auto_dispatch     no operator took it in time: page the nearest
repage            nobody could be paged before: look again
step              nobody has accepted for so long: ask whom the rules name
no_arrival        who accepted is not there in time: page the next
arrival_check     will they be? if not, ask others beside
rules             a rule may raise the incident by time alone: look
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from alerts import stepping
from alerts.arrival import check, overdue
from alerts.correlation import look_again
from alerts.lifecycle import ANSWERED, BEING_ASKED, Move, PageState, State
from alerts.planning import page_next, wants_next
from alerts.transition import SYSTEM, Incident, apply, lock
from core import sql
from core.database import Connection
from core.settings import Settings
from core.telemetry import logger

_AT_ONCE = 8  # incidents in a transaction: what a death rolls back, and how long rows are held
_POSTPONED = timedelta(seconds=5)
_QUERIES = sql.load("alerts")
_log = logger(__name__)


def fire_due(conn: Connection, *, now: datetime, settings: Settings) -> int:
    """Carry out the timers that are due, most urgent incidents first; return how many.

    At most 8 incidents a call: call again until it returns 0. Two processes may call it at once;
    each timer fires once. One incident whose timers cannot be carried out is logged, tried again
    in 5 s, and does not hold up the others.
    """
    rows = conn.execute(
        _QUERIES["incidents_with_due_timers"], {"now": now, "limit": _AT_ONCE}
    ).fetchall()
    fired = 0
    for row in rows:
        try:
            with conn.transaction():
                fired += _fire(conn, row["incident_id"], now, settings)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception:  # noqa: BLE001 - one poisoned incident must not silence the others
            _log.exception("timers of an incident failed", incident_id=row["incident_id"])
            conn.execute(
                _QUERIES["postpone_timers"],
                {"incident_id": row["incident_id"], "due_at": now + _POSTPONED},
            )
    return fired


def _fire(conn: Connection, incident_id: int, now: datetime, settings: Settings) -> int:
    incident = lock(conn, incident_id)
    fired = 0
    due = conn.execute(_QUERIES["due_timers"], {"incident_id": incident_id, "now": now})
    for timer in due.fetchall():
        values = {"timer_id": timer["timer_id"], "now": now}
        if conn.execute(_QUERIES["take_timer"], values).fetchone() is None:
            continue  # what fired before has ended it
        fired += 1
        if not incident.closed:
            incident = _act(conn, incident, timer, now, settings)
    return fired


def _act(
    conn: Connection,
    incident: Incident,
    timer: dict[str, Any],
    now: datetime,
    settings: Settings,
) -> Incident:
    if timer["kind"] == "page_unanswered":
        return _unanswered(conn, incident, timer["page_id"], now, settings)
    if timer["kind"] == "step":
        return stepping.take(conn, incident, timer["step_s"], now=now, settings=settings)
    looked = _LOOKS.get(timer["kind"])
    if looked is not None:
        return looked(conn, incident, now=now, settings=settings)
    if timer["kind"] == "no_arrival":
        late = overdue(conn, incident, now=now)
        incident = late or incident
        wanted = late is not None and not _being_asked(conn, incident)
    elif timer["kind"] == "repage":
        wanted = incident.state not in ANSWERED and not _being_asked(conn, incident)
    else:
        raise ValueError(f"no timer is called {timer['kind']!r}")
    if not wanted:
        return incident
    return page_next(conn, incident, now=now, settings=settings, new_round=True).incident


def _auto_dispatch(
    conn: Connection, incident: Incident, *, now: datetime, settings: Settings
) -> Incident:
    if incident.state is not State.RAISED:
        return incident
    incident = page_next(conn, incident, now=now, settings=settings, new_round=True).incident
    stepping.begin(conn, incident, now=now, settings=settings)
    return incident


# Timers that only say that it is time to look.
_LOOKS = {"auto_dispatch": _auto_dispatch, "arrival_check": check, "rules": look_again}


def _unanswered(
    conn: Connection, incident: Incident, page_id: int, now: datetime, settings: Settings
) -> Incident:
    page = conn.execute(_QUERIES["page"], {"page_id": page_id}).fetchone()
    if page is None or page["state"] not in BEING_ASKED:
        return incident
    conn.execute(
        _QUERIES["set_page_state"],
        {"page_id": page_id, "state": PageState.UNANSWERED, "answered_at": None},
    )
    detail = {"page_id": page_id, "responder": page["responder_id"]}
    incident = apply(conn, incident, Move.UNANSWERED, actor=SYSTEM, now=now, detail=detail)
    # Of two pages side by side the last to run out is followed; else each would beget its own.
    if not wants_next(incident, page["planned_at"]) or _being_asked(conn, incident):
        return incident
    if stepping.due(conn, incident, now):
        return incident
    return page_next(conn, incident, now=now, settings=settings, new_round=True).incident


def _being_asked(conn: Connection, incident: Incident) -> bool:
    pages = conn.execute(_QUERIES["pages_of_incident"], {"incident_id": incident.incident_id})
    return any(page["state"] in BEING_ASKED for page in pages)
