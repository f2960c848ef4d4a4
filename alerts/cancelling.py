"""A resident cancels with a code word; with the duress word it looks so, and help is sent.

Whoever stands beside the resident must not be able to tell the two apart: neither by the answer,
nor afterwards by anything that a resident can see. So a duress incident has `shown_state`:
`cancelled` is what residents see of it, `hidden` that they do not see it at all. It becomes of
kind `duress`, so that another press opens an incident of its own, as after a true cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.code_words import Meaning
from alerts.lifecycle import Move, State
from alerts.planning import TIMERS, end_timers, stand_down
from alerts.policy import Kind
from alerts.transition import Incident, apply, find_open, lock, open_or_find
from alerts.urgency import page_more
from alerts.validation import Reason
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import NotFound
from core.settings import Settings

WRONG_AT_MOST = 5  # per incident; then only the operator can cancel
_P1 = int(Priority.LIFE_SAFETY)
_QUERIES = sql.load("alerts")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resident is told. `accepted` is False for a wrong word and after too many."""

    accepted: bool
    left: int  # attempts


def cancel(
    conn: Connection,
    household_id: str,
    incident_id: int,
    meaning: Meaning | None,
    *,
    actor: str,
    now: datetime,
    settings: Settings,
) -> Answer:
    """Carry out what a word said about this incident means; None: it was the wrong word.

    The caller commits whatever the answer is, and tells the resident only the answer. Cancelling
    what is cancelled changes nothing; the duress word is heard even then, and even after too
    many wrong ones. Raises `NotFound` for an incident that the home does not have.
    """
    conn.execute(_QUERIES["lock_home"], {"household_id": household_id})
    incident = lock(conn, incident_id)
    row = conn.execute(_QUERIES["shown"], {"incident_id": incident_id}).fetchone()
    shown = row["shown_state"] if row else None
    if incident.household_id != household_id or shown == "hidden":
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    over = shown is not None or incident.closed
    left = WRONG_AT_MOST - _wrong(conn, incident_id)
    if meaning is None:
        if not over and left > 0:
            apply(conn, incident, Move.WRONG_WORD, actor=actor, now=now)
        return Answer(accepted=False, left=max(0, left - 1))
    accepted = over or left > 0
    if meaning is Meaning.DURESS:
        show = None if not accepted else State.CANCELLED.value
        _raise_silently(conn, incident, show if not over else None, actor, now, settings)
    elif accepted and not over:
        _truly_cancel(conn, incident, actor, now)
    return Answer(accepted=accepted, left=max(0, left))


def _truly_cancel(conn: Connection, incident: Incident, actor: str, now: datetime) -> None:
    incident = apply(
        conn, incident, Move.CANCEL, actor=actor, now=now, evidence=(Reason.CODE_WORD,)
    )
    stand_down(conn, incident, now=now)
    end_timers(conn, incident, now, TIMERS)


def _raise_silently(
    conn: Connection,
    incident: Incident,
    show: str | None,
    actor: str,
    now: datetime,
    settings: Settings,
) -> None:
    """Make an open incident one of duress, and page at once; without one, open a hidden one."""
    if incident.closed:
        _open_hidden(conn, incident.household_id, actor, now, settings)
        return
    other = find_open(conn, incident.household_id, Kind.DURESS)
    kind = Kind.DURESS if other is None else None
    detail = {"was": incident.kind}
    incident = apply(
        conn,
        incident,
        Move.DURESS,
        actor=actor,
        now=now,
        detail=detail,
        priority=_P1,
        kind=kind,
        evidence=(Reason.DURESS,),
    )
    if show is not None:
        conn.execute(_QUERIES["show"], {"incident_id": incident.incident_id, "state": show})
    page_more(conn, incident, "at_once", actor, now, settings)


def _open_hidden(
    conn: Connection, household_id: str, actor: str, now: datetime, settings: Settings
) -> None:
    incident, new = open_or_find(
        conn,
        household_id=household_id,
        kind=Kind.DURESS,
        priority=_P1,
        opened_at=now,
        actor=actor,
        now=now,
        detail={},
        evidence=(Reason.DURESS,),
    )
    if new:
        conn.execute(_QUERIES["show"], {"incident_id": incident.incident_id, "state": "hidden"})
    else:
        incident = apply(conn, incident, Move.DURESS, actor=actor, now=now)
    page_more(conn, incident, "at_once", actor, now, settings)


def _wrong(conn: Connection, incident_id: int) -> int:
    values = {"incident_id": incident_id, "move": Move.WRONG_WORD}
    row = conn.execute(_QUERIES["count_moves"], values).fetchone()
    return int(row["n"]) if row else 0
