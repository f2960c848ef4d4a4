"""The one place where an incident's row changes: under its lock, with a log line, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.audit import GENESIS, Detail, IncidentLine, append_incident
from alerts.lifecycle import CLOSED_STATES, Move, State, after
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound

SYSTEM = "system"
_QUERIES = sql.load("alerts")
_CLOSING = frozenset({Move.CLOSE, Move.MARK_FALSE, Move.CANCEL})


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident whose row this transaction holds locked; `digest` is that of its last line."""

    incident_id: int
    household_id: str
    kind: str
    priority: int
    state: State
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_by: str | None
    version: int
    digest: bytes

    @property
    def closed(self) -> bool:
        return self.state in CLOSED_STATES


def _incident(conn: Connection, row: dict[str, Any]) -> Incident:
    # The digest is read after the lock was granted: a statement that had to wait for the lock
    # would see the new row beside the old log.
    last = conn.execute(
        _QUERIES["digest_of_line"], {"incident_id": row["incident_id"], "n": row["version"]}
    ).fetchone()
    digest = bytes(last["digest"]) if last else GENESIS
    return Incident(**{**row, "state": State(row["state"])}, digest=digest)


def lock(conn: Connection, incident_id: int) -> Incident:
    """Lock and return an incident, open or closed; raise `NotFound`."""
    row = conn.execute(_QUERIES["lock_incident"], {"incident_id": incident_id}).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}")
    return _incident(conn, row)


def lock_open(conn: Connection, incident_id: int) -> Incident:
    """Lock and return an open incident; raise `NotFound`, or `Conflict` when it is closed."""
    incident = lock(conn, incident_id)
    if incident.closed:
        raise Conflict(f"incident {incident_id} is over: {incident.state} by {incident.closed_by}")
    return incident


def find_open(conn: Connection, household_id: str, kind: str) -> Incident | None:
    """Lock and return the home's open incident of this kind, if there is one."""
    row = conn.execute(
        _QUERIES["lock_open_incident"], {"household_id": household_id, "kind": kind}
    ).fetchone()
    return _incident(conn, row) if row else None


def open_or_find(
    conn: Connection,
    *,
    household_id: str,
    kind: str,
    priority: int,
    opened_at: datetime,
    actor: str,
    now: datetime,
    detail: Detail,
) -> tuple[Incident, bool]:
    """Open an incident with its first log line, or lock the open one; True when it is new.

    Two processes may race here: the partial unique index lets one open, the other finds.
    """
    values = {
        "household_id": household_id,
        "kind": kind,
        "priority": priority,
        "opened_at": opened_at,
        "now": now,
        "state": State.RAISED,
    }
    while True:
        found = find_open(conn, household_id, kind)
        if found is not None:
            return found, False
        row = conn.execute(_QUERIES["open_incident"], values).fetchone()
        if row is not None:
            incident = _incident(conn, row)
            return _write(conn, incident, Move.OPEN, State.RAISED, actor, now, detail), True


def apply(
    conn: Connection,
    incident: Incident,
    move: Move,
    *,
    actor: str,
    now: datetime,
    detail: Detail | None = None,
    priority: int | None = None,
    note: str = "",
) -> Incident:
    """Carry out one move and return the incident after it; raise `IllegalMove` and change nothing.

    `priority` raises the incident's own when it is more urgent; `note` is kept on closing.
    """
    state = after(incident.state, move)
    return _write(conn, incident, move, state, actor, now, detail or {}, priority, note)


def _write(
    conn: Connection,
    incident: Incident,
    move: Move,
    state: State,
    actor: str,
    now: datetime,
    detail: Detail,
    priority: int | None = None,
    note: str = "",
) -> Incident:
    n = incident.version + 1
    line = IncidentLine(incident.incident_id, n, now, actor, move, state, detail)
    digest = append_incident(conn, line, previous=incident.digest)
    closing = move in _CLOSING
    acknowledging = move is Move.ACKNOWLEDGE
    urgency = min(incident.priority, priority or incident.priority)
    conn.execute(
        _QUERIES["update_incident"],
        {
            "incident_id": incident.incident_id,
            "version": n,
            "state": state,
            "priority": urgency,
            "acknowledged_at": now if acknowledging else None,
            "acknowledged_by": actor if acknowledging else None,
            "ring": move is Move.RING,
            "arrived_at": now if move is Move.ARRIVE else None,
            "closed_at": now if closing else None,
            "closed_by": actor if closing else None,
            "closing_note": note,
        },
    )
    if move is Move.RING:
        incident = replace(incident, acknowledged_at=None, acknowledged_by=None)
    return replace(
        incident,
        version=n,
        state=state,
        priority=urgency,
        digest=digest,
        acknowledged_at=now if acknowledging else incident.acknowledged_at,
        acknowledged_by=actor if acknowledging else incident.acknowledged_by,
        closed_by=actor if closing else incident.closed_by,
    )
