"""A carried incident into the database: once, however often and from wherever this is called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts import pages, stepping
from alerts.audit import Detail, record_access
from alerts.correlation import on_event
from alerts.fallback import page_surely
from alerts.finding import Found, finish
from alerts.lifecycle import ANSWERED, UNSENT, Move, PageState
from alerts.lifeline.carried import Attempts, Carried, CarriedPage
from alerts.lifeline.records import Answered, Kept, Word
from alerts.paging.delivery import LEASE_S
from alerts.planning import add_timer, wants_next
from alerts.transition import SYSTEM, Incident, apply, lock, open_or_find
from core import sql
from core.database import Connection
from core.errors import Conflict
from core.model import Event
from core.settings import Settings
from core.telemetry import logger

_log = logger(__name__)
_ALERTS = sql.load("alerts")
_QUERIES = sql.load("alerts.lifeline")


def reconcile(
    conn: Connection,
    carried: Carried,
    events: Iterable[Event],
    *,
    now: datetime,
    settings: Settings,
) -> int:
    """Write what was carried, inside the caller's transaction; return the incident's id.

    `events` are rows of its alarms that stand in `events` already. The incident keeps its reserved
    id, unless the home has an open one of its kind: then it joins that. Each page is a row and a
    line of the log with its own time; what was not sent yet is due, and time goes on from there.
    """
    incident_id: int | None = None
    raised_at = carried.raised.at
    for event in events:
        found = on_event(
            conn,
            event,
            now=raised_at,
            settings=settings,
            carried_as=carried.raised.incident_id,
        )
        incident_id = incident_id or found
    incident = _opened(conn, carried) if incident_id is None else lock(conn, incident_id)
    new: list[int] = []
    for page in carried.pages.values():
        incident, written = _write_page(conn, incident, page, now)
        if written:
            new.append(page.paged.page_id)
    if carried.answers:
        _write_answers(conn, carried, settings)
        for page in carried.pages.values():  # the answers have made them due: these went out
            for channel, attempts in page.stand_downs.items():
                if attempts.made:
                    _write_delivery(conn, page, "stand_down", channel, attempts, now)
        incident = lock(conn, incident.incident_id)
    if new or not carried.pages:
        _go_on(conn, incident, carried, new, now, settings)
    return incident.incident_id


def _opened(conn: Connection, carried: Carried) -> Incident:
    """Open it by what was decided then: the rules or the home have changed since."""
    raised = carried.raised
    detail: Detail = {
        "type": raised.alarm.type,
        "device": raised.alarm.device_id,
        "seq": raised.alarm.seq,
        "rule": raised.rule,
        "mode": "lifeline",
    }
    return open_or_find(
        conn,
        household_id=raised.alarm.household_id,
        kind=raised.kind,
        priority=raised.priority,
        opened_at=raised.alarm.at,
        actor=f"device:{raised.alarm.device_id}",
        now=raised.at,
        detail=detail,
        incident_id=raised.incident_id,
    )[0]


def _write_page(
    conn: Connection, incident: Incident, page: CarriedPage, now: datetime
) -> tuple[Incident, bool]:
    paged = page.paged
    ids = {"incident_id": incident.incident_id, "responder_id": paged.responder_id}
    last = conn.execute(_QUERIES["last_round"], ids).fetchone()
    row = conn.execute(
        _QUERIES["write_page"],
        {
            **ids,
            "page_id": paged.page_id,
            "round": max(paged.round, (last["round"] if last else 0) + 1),
            "distance_m": paged.distance_m,
            "planned_at": paged.at,
            "answer_by": paged.answer_by,
        },
    ).fetchone()
    detail: Detail = {
        "page_id": paged.page_id,
        "responder": paged.responder_id,
        "mode": "lifeline",
    }
    if row is not None:
        if incident.state in UNSENT:
            incident = apply(conn, incident, Move.DISPATCH, actor=SYSTEM, now=paged.at)
        more: Detail = {
            **detail,
            "round": paged.round,
            "distance_m": round(paged.distance_m),
        }
        move = Move.NOTE if incident.closed else Move.PAGE
        incident = apply(conn, incident, move, actor=SYSTEM, now=paged.at, detail=more)
    for channel, attempts in page.channels.items():
        sent = _write_delivery(conn, page, "page", channel, attempts, now)
        if sent is not None:
            more = {**detail, "channel": channel}
            incident = apply(conn, incident, Move.SENT, actor=SYSTEM, now=sent, detail=more)
    return incident, row is not None


def _write_delivery(
    conn: Connection,
    page: CarriedPage,
    message: Word,
    channel: str,
    attempts: Attempts,
    now: datetime,
) -> datetime | None:
    """Write what came of a message; return when it was sent where that was not written before."""
    over = attempts.next_at is None
    state = "sent" if attempts.sent_at else "failed" if over else "queued"
    # one that is on its way this moment is left alone as long as any other claimed message
    again = now + timedelta(seconds=LEASE_S)
    values = {
        "page_id": page.paged.page_id,
        "channel": channel,
        "message": message,
        "state": state,
        "attempts": attempts.made,
        "next_attempt_at": again,
        "sent_at": attempts.sent_at,
        "error": attempts.error,
    }
    row = conn.execute(_QUERIES["write_delivery"], values).fetchone()
    if row is None or row["state"] != "sent" or attempts.sent_at is None:
        return None
    if message == "page":
        conn.execute(_QUERIES["page_was_sent"], values)
    return attempts.sent_at


def _write_answers(conn: Connection, carried: Carried, settings: Settings) -> None:
    """Let responders answer again, as they did then."""
    for one in carried.answers:
        enter_answer(conn, one, settings)


def enter_answer(conn: Connection, one: Answered | Kept, settings: Settings) -> None:
    """Let a responder answer again, as then. Raises `NotFound` for a page that is not there.

    An answer that does not fit what the database knows (somebody else accepted meanwhile) stays
    without effect there, as it would have had.
    """
    try:
        if one.answer == "depart":
            pages.depart(conn, one.page_id, now=one.at)
        elif one.answer == "arrive":
            pages.arrive(conn, one.page_id, now=one.at)
        elif one.answer == "done":
            finish(conn, one.page_id, one.found or Found("other"), now=one.at)
        else:
            pages.answer(
                conn,
                one.page_id,
                accept=one.answer == "accept",
                now=one.at,
                settings=settings,
                key=f"lifeline-{one.at.timestamp():.6f}",  # each counts, and counts once
                channel=one.channel,
            )
    except Conflict as error:
        _log.warning("an answer came too late", page_id=one.page_id, error=str(error))


def log_looks(conn: Connection, carried: Carried, *, after: int = 0) -> None:
    """Put into the access log what responders were shown meanwhile, each at its own time.

    The first `after` of them stand there already.
    """
    for look in carried.looks[after:]:
        record_access(
            conn,
            actor=f"responder:{carried.pages[look.page_id].paged.responder_id}",
            action="page",
            household_id=carried.household_id,
            now=look.at,
            detail={
                "reason": "page",
                "page_id": look.page_id,
                "incident_id": look.incident_id,
                "mode": "lifeline",
            },
        )


def _go_on(
    conn: Connection,
    incident: Incident,
    carried: Carried,
    new: list[int],
    now: datetime,
    settings: Settings,
) -> None:
    """Give time its hold again: who may still answer has a timer, else the next is paged."""
    if incident.closed or incident.state in ANSWERED:
        return
    ids = {"incident_id": incident.incident_id}
    if not carried.pages and now < carried.raised.page_at:
        add_timer(conn, incident, "auto_dispatch", carried.raised.page_at)
        return
    stepping.begin(conn, incident, now=now, settings=settings, since=carried.raised.page_at)
    waiting = False
    for row in conn.execute(_QUERIES["planned_pages"], ids).fetchall():
        if row["answer_by"] > now:
            waiting = True
            if row["page_id"] in new:
                add_timer(conn, incident, "page_unanswered", row["answer_by"], row["page_id"])
        elif row["page_id"] in new:
            values = {"page_id": row["page_id"], "state": PageState.UNANSWERED}
            conn.execute(_ALERTS["set_page_state"], {**values, "answered_at": None})
            detail: Detail = {"page_id": row["page_id"], "mode": "lifeline"}
            incident = apply(conn, incident, Move.UNANSWERED, actor=SYSTEM, now=now, detail=detail)
    if not waiting and wants_next(incident, carried.raised.at):
        page_surely(conn, incident, now=now, settings=settings)
