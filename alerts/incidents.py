"""What operators do to incidents: acknowledge, dispatch, close; events come by `correlation`.

Every function works inside the caller's transaction and writes nothing outside it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from alerts.audit import Detail
from alerts.correlation import on_event
from alerts.dispositions import FALSE_CAUSES
from alerts.lifecycle import Move, State
from alerts.planning import TIMERS, end_timers, page_given, page_next, stand_down
from alerts.transition import Incident, apply, find_open, lock, lock_open
from alerts.validation import Override
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError
from core.settings import Settings

Outcome = Literal["closed", "false_alarm", "test", "duplicate", "cancelled"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_ENDING: dict[Outcome, Move] = {
    "closed": Move.CLOSE,
    "false_alarm": Move.MARK_FALSE,
    "test": Move.MARK_TEST,
    "duplicate": Move.MARK_DUPLICATE,
    "cancelled": Move.CANCEL,
}
__all__ = [
    "OUTCOMES",
    "Outcome",
    "acknowledge",
    "add_note",
    "close",
    "dispatch",
    "on_event",
    "reopen",
    "set_level",
    "take_over",
    "verify",
]
_QUERIES = sql.load("alerts")


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
            f"{incident.acknowledged_at:%H:%M:%S} UTC",
            "incident.acknowledged",
            by=incident.acknowledged_by,
        )
    apply(conn, incident, Move.ACKNOWLEDGE, actor=actor, now=now)
    if incident.priority != Priority.LIFE_SAFETY:
        end_timers(conn, incident, now, ["auto_dispatch", "repage", "step"])


def take_over(conn: Connection, incident_id: int, *, actor: str, now: datetime) -> None:
    """Take an incident out of the hands of whoever acknowledged it; again changes nothing.

    Raises `NotFound`, and `Conflict` when nobody has it in hand or it is over.
    """
    incident = lock_open(conn, incident_id)
    if incident.acknowledged_by is None:
        raise Conflict(
            f"nobody has incident {incident_id} in hand; acknowledge it", "incident.in_no_hands"
        )
    if incident.acknowledged_by != actor:
        detail: Detail = {"was": incident.acknowledged_by}
        apply(conn, incident, Move.TAKE_OVER, actor=actor, now=now, detail=detail)


def verify(conn: Connection, incident_id: int, *, actor: str, now: datetime) -> None:
    """Note that the operator who has it in hand looks, listens or telephones.

    Raises `NotFound`, and `Conflict` when it is over or in other hands or nobody's.
    """
    incident = _in_hand(lock_open(conn, incident_id), actor)
    if incident.acknowledged_by is None:
        raise Conflict(f"acknowledge incident {incident_id} first", "incident.in_no_hands")
    if incident.state is not State.VERIFYING:
        apply(conn, incident, Move.VERIFY, actor=actor, now=now)


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
    end_timers(conn, incident, now, ["auto_dispatch"])
    if responder_id is not None:
        return page_given(
            conn, incident, responder_id, now=now, settings=settings, actor=actor
        ).page_id
    found = page_next(conn, incident, now=now, settings=settings, actor=actor, new_round=True)
    if found.page_id is None and not found.nobody:
        raise Conflict(
            "everybody on shift is being paged or on the way already", "responder.all_asked"
        )
    return found.page_id


def close(
    conn: Connection,
    incident_id: int,
    *,
    actor: str,
    now: datetime,
    outcome: Outcome,
    note: str = "",
    cause: str | None = None,
    duplicate_of: int | None = None,
) -> None:
    """End an incident; whoever was paged and did not decline is told to stand down.

    `cause` goes with `false_alarm` (`alerts.dispositions`; `unknown` is said, not left out),
    `duplicate_of` with `duplicate`. The same again by the same actor changes nothing. Raises
    `NotFound`, `PermanentError` for what does not fit, and `Conflict` when somebody else closed
    it, it was closed otherwise, or another operator has it in hand.
    """
    incident = lock(conn, incident_id)
    if incident.closed and (incident.state, incident.closed_by) == (outcome, actor):
        return
    if incident.closed:
        raise Conflict(
            f"incident {incident_id} is over: {incident.state} by {incident.closed_by}",
            "incident.over",
            state=incident.state,
            by=incident.closed_by or "",
        )
    _in_hand(incident, actor)
    detail: Detail = {"note": note} if note else {}
    if outcome == "false_alarm":
        detail = {**detail, "cause": cause}
    if outcome == "duplicate":
        detail = {**detail, "duplicate_of": duplicate_of}
    _check_disposition(conn, incident, outcome, cause, duplicate_of)
    incident = apply(
        conn,
        incident,
        _ENDING[outcome],
        actor=actor,
        now=now,
        detail=detail,
        note=note,
        false_cause=cause,
        duplicate_of=duplicate_of,
    )
    stand_down(conn, incident, now=now)
    end_timers(conn, incident, now, TIMERS)


def reopen(conn: Connection, incident_id: int, *, actor: str, now: datetime, why: str) -> None:
    """Open a closed incident again, in the hands of `actor`, who decides what happens.

    Nobody is paged by it. Raises `NotFound`, `PermanentError` without a reason, and `Conflict`
    when it is open or the home has another open incident of its kind.
    """
    if not why.strip():
        raise PermanentError("an incident is reopened with a reason", "incident.reopen_why")
    row = conn.execute(_QUERIES["home_of_incident"], {"incident_id": incident_id}).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    conn.execute(_QUERIES["lock_home"], row)
    incident = lock(conn, incident_id)
    if not incident.closed:
        raise Conflict(f"incident {incident_id} is open: {incident.state}", "incident.open")
    other = find_open(conn, incident.household_id, incident.kind)
    if other is not None:
        raise Conflict(
            f"incident {other.incident_id} of the same kind is open at this home",
            "incident.same_open",
            other=other.incident_id,
        )
    detail: Detail = {"note": why.strip()}
    apply(conn, incident, Move.REOPEN, actor=actor, now=now, detail=detail)


def set_level(
    conn: Connection, incident_id: int, *, actor: str, now: datetime, level: int, why: str
) -> None:
    """Raise or lower the validation level (0 to 4) of an open incident, with the reason.

    It stands until evidence goes beyond what was known (`alerts.validation`). Raises `NotFound`,
    `Conflict` when the incident is over, `PermanentError` without a reason or for no level.
    """
    if level not in range(5):
        raise PermanentError(f"level {level}: 0 to 4", "level.range")
    if not why.strip():
        raise PermanentError("a level is raised or lowered with a reason", "level.why")
    incident = _in_hand(lock_open(conn, incident_id), actor)
    override = Override(level, len(incident.level_reasons))
    detail: Detail = {"note": why.strip(), "set": level}
    apply(
        conn,
        incident,
        Move.ASSESS,
        actor=actor,
        now=now,
        detail=detail,
        note=why.strip(),
        override=override,
    )


def add_note(conn: Connection, incident_id: int, *, actor: str, now: datetime, note: str) -> None:
    """Write a note into the log, also after the incident was closed. Raises `NotFound`."""
    incident = lock(conn, incident_id)
    apply(conn, incident, Move.NOTE, actor=actor, now=now, detail={"note": note})


def _in_hand(incident: Incident, actor: str) -> Incident:
    """Raise `Conflict` when another operator has the incident in hand."""
    if incident.acknowledged_by not in (None, actor):
        raise Conflict(
            f"{incident.acknowledged_by} has incident {incident.incident_id} in hand; take it over "
            "first",
            "incident.in_other_hands",
            by=incident.acknowledged_by or "",
        )
    return incident


def _check_disposition(
    conn: Connection,
    incident: Incident,
    outcome: Outcome,
    cause: str | None,
    duplicate_of: int | None,
) -> None:
    if (cause is not None) != (outcome == "false_alarm"):
        causes = ", ".join(FALSE_CAUSES)
        raise PermanentError(
            f"a false alarm, and nothing else, has a cause: {causes}", "close.cause"
        )
    if cause is not None and cause not in FALSE_CAUSES:
        raise PermanentError(f"cause {cause!r}: one of {', '.join(FALSE_CAUSES)}", "close.cause")
    if (duplicate_of is not None) != (outcome == "duplicate"):
        raise PermanentError("a duplicate names the incident that it repeats", "close.duplicate_of")
    if duplicate_of is None:
        return
    if duplicate_of == incident.incident_id:
        raise PermanentError("an incident is no duplicate of itself", "close.duplicate_self")
    values = {"incident_id": duplicate_of}
    row = conn.execute(_QUERIES["disposition"], values).fetchone()
    if row is None or row["household_id"] != incident.household_id:
        raise NotFound(
            f"no incident {duplicate_of} of this home",
            "close.duplicate_unknown",
            other=duplicate_of,
        )
    if row["duplicate_of"] is not None:
        raise PermanentError(
            f"incident {duplicate_of} is itself a duplicate",
            "close.duplicate_twice",
            other=duplicate_of,
        )
