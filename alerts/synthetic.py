"""The minute's synthetic SOS: its test incident, its record, and the engineers it may page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerts import incidents
from alerts.lifecycle import Move
from alerts.planning import page_next
from alerts.policy import SYNTHETIC, Kind
from alerts.transition import SYSTEM, apply, open_or_find
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.settings import Settings

# A broken alarm path stands on the board above the doors it watches, not among flat batteries.
_PRIORITY = int(Priority.INTRUSION)
_KEPT = timedelta(days=7)
_QUERIES = sql.load("alerts")


def record_check(
    conn: Connection,
    *,
    started_at: datetime,
    acked_ms: int | None,
    paged_ms: int | None,
    board_ms: int | None,
    ok: bool,
    detail: str = "",
) -> None:
    """Keep one check: milliseconds from the press to the ack, page and board, None if unseen."""
    conn.execute(
        _QUERIES["record_check"],
        {
            "started_at": started_at,
            "acked_ms": acked_ms,
            "paged_ms": paged_ms,
            "board_ms": board_ms,
            "ok": ok,
            "detail": detail,
        },
    )


def last_check(conn: Connection) -> dict[str, Any] | None:
    """Return the newest check (`started_at acked_ms paged_ms board_ms ok detail`), or None."""
    return conn.execute(_QUERIES["last_check"]).fetchone()


def prune(conn: Connection, *, now: datetime) -> None:
    """Delete checks older than 7 days; their incidents stay, as every log does."""
    conn.execute(_QUERIES["prune_checks"], {"before": now - _KEPT})


def open_test(conn: Connection, *, since: datetime | None = None) -> int | None:
    """Return the id of the synthetic home's open test incident.

    With `since` only one for which a page was planned at or after that time.
    """
    row = conn.execute(_QUERIES["open_test"], {"since": since}).fetchone()
    return int(row["incident_id"]) if row else None


def close_stale_test(conn: Connection, *, now: datetime) -> None:
    """Close what an earlier press left open: the next would join it, and page nobody."""
    incident_id = open_test(conn)
    if incident_id is not None:
        incidents.close(conn, incident_id, actor=SYNTHETIC, now=now, outcome="closed")


def finish_test(
    conn: Connection, incident_id: int, *, now: datetime, since: datetime | None = None
) -> datetime | None:
    """Close the test incident when its page was sent, and return when; None: not yet.

    Pages planned before `since` belong to an earlier press and do not count.
    """
    values = {"incident_id": incident_id, "since": since}
    row = conn.execute(_QUERIES["first_page_sent"], values).fetchone()
    sent_at: datetime | None = row["sent_at"] if row else None
    if sent_at is not None:
        incidents.close(conn, incident_id, actor=SYNTHETIC, now=now, outcome="closed")
    return sent_at


def page_engineers(conn: Connection, now: datetime, settings: Settings, reason: str) -> int:
    """Page the engineer on shift: the alarm path is broken. Returns the incident.

    While that incident is open another failure only joins it; its own escalation goes on until
    an engineer accepts. The home `synthetic` must exist.
    """
    detail = {"reason": reason[:500]}
    incident, new = open_or_find(
        conn,
        household_id=SYNTHETIC,
        kind=Kind.TECHNICAL,
        priority=_PRIORITY,
        opened_at=now,
        actor=SYSTEM,
        now=now,
        detail=detail,
    )
    if not new:
        incident = apply(
            conn,
            incident,
            Move.JOIN,
            actor=SYSTEM,
            now=now,
            detail=detail,
            priority=_PRIORITY,
        )
    # A technical event of the synthetic device may have opened it before, and pages nobody.
    waiting = conn.execute(
        _QUERIES["paging_began"], {"incident_id": incident.incident_id}
    ).fetchone()
    if waiting is None:
        page_next(conn, incident, now=now, settings=settings, new_round=True)
    return incident.incident_id
