"""The one place where an incident's row changes: under its lock, with a log line, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.audit import GENESIS, Detail, IncidentLine, append_incident
from alerts.lifecycle import CLOSED_STATES, ENDING_MOVES, Move, State, after
from alerts.validation import Override, Reason, level
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound

SYSTEM = "system"
_QUERIES = sql.load("alerts")


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
    level: int
    level_reasons: tuple[Reason, ...]
    override: Override | None
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
    level_set, known_then = row.pop("level_set"), row.pop("level_set_on")
    known = {
        "state": State(row["state"]),
        "level_reasons": tuple(Reason(one) for one in row["level_reasons"]),
        "override": None if level_set is None else Override(level_set, known_then),
    }
    return Incident(**{**row, **known}, digest=digest)


def lock(conn: Connection, incident_id: int) -> Incident:
    """Lock and return an incident, open or closed; raise `NotFound`."""
    row = conn.execute(_QUERIES["lock_incident"], {"incident_id": incident_id}).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    return _incident(conn, row)


def lock_open(conn: Connection, incident_id: int) -> Incident:
    """Lock and return an open incident; raise `NotFound`, or `Conflict` when it is closed."""
    incident = lock(conn, incident_id)
    if incident.closed:
        raise Conflict(
            f"incident {incident_id} is over: {incident.state} by {incident.closed_by}",
            "incident.over",
            state=incident.state,
            by=incident.closed_by or "",
        )
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
    evidence: Iterable[Reason] = (),
    incident_id: int | None = None,
) -> tuple[Incident, bool]:
    """Open an incident with its first log line, or lock the open one; True when it is new.

    `incident_id` is one that was reserved for it, else the next is taken.

    Two processes may race here: the partial unique index lets one open, the other finds.
    """
    values = {
        "household_id": household_id,
        "kind": kind,
        "priority": priority,
        "opened_at": opened_at,
        "now": now,
        "state": State.RAISED,
        "incident_id": incident_id,
    }
    while True:
        found = find_open(conn, household_id, kind)
        if found is not None:
            return found, False
        row = conn.execute(_QUERIES["open_incident"], values).fetchone()
        if row is not None:
            incident = _incident(conn, row)
            first = _Change(Move.OPEN, State.RAISED, actor, now, detail, evidence=tuple(evidence))
            return _write(conn, incident, first), True


def apply(
    conn: Connection,
    incident: Incident,
    move: Move,
    *,
    actor: str,
    now: datetime,
    detail: Detail | None = None,
    priority: int | None = None,
    kind: str | None = None,
    note: str = "",
    evidence: Iterable[Reason] = (),
    override: Override | None = None,
    false_cause: str | None = None,
    duplicate_of: int | None = None,
) -> Incident:
    """Carry out one move and return the incident after it; raise `IllegalMove` and change nothing.

    `priority` raises the incident's own when it is more urgent; `kind` makes it one of another
    kind, of which none may be open at this home; `note` is kept on closing and assessing.
    `evidence` is what has become known: the validation level follows, and stands in the line when
    it changes. `override` is an operator's level. `false_cause` and `duplicate_of` belong to the
    disposition.
    """
    change = _Change(
        move,
        after(incident.state, move),
        actor,
        now,
        detail or {},
        priority=priority,
        kind=kind,
        note=note,
        evidence=tuple(evidence),
        override=override,
        false_cause=false_cause,
        duplicate_of=duplicate_of,
    )
    return _write(conn, incident, change)


@dataclass(frozen=True, slots=True)
class _Change:
    move: Move
    state: State
    actor: str
    now: datetime
    detail: Detail
    priority: int | None = None
    kind: str | None = None
    note: str = ""
    evidence: tuple[Reason, ...] = ()
    override: Override | None = None
    false_cause: str | None = None
    duplicate_of: int | None = None


def _write(conn: Connection, incident: Incident, change: _Change) -> Incident:
    move, now, actor = change.move, change.now, change.actor
    new = _after(incident, change)
    detail = change.detail
    if new.level != incident.level or move is Move.OPEN:
        detail = {**detail, "level": new.level}
    line = IncidentLine(incident.incident_id, new.version, now, actor, move, new.state, detail)
    digest = append_incident(conn, line, previous=incident.digest)
    closing = move in ENDING_MOVES
    conn.execute(
        _QUERIES["update_incident"],
        {
            "incident_id": incident.incident_id,
            "version": new.version,
            "state": new.state,
            "priority": new.priority,
            "kind": new.kind,
            "acknowledged_at": new.acknowledged_at,
            "acknowledged_by": new.acknowledged_by,
            "reopen": move is Move.REOPEN,
            "arrived_at": now if move is Move.ARRIVE else None,
            "closed_at": now if closing else None,
            "closed_by": actor if closing else None,
            "false_cause": change.false_cause,
            "duplicate_of": change.duplicate_of,
            "note": change.note,
            "level": new.level,
            "level_reasons": list(new.level_reasons),
            "level_set": new.override.level if new.override else None,
            "level_set_on": new.override.known if new.override else None,
            "assess": move is Move.ASSESS,
        },
    )
    return replace(new, digest=digest)


def _after(incident: Incident, change: _Change) -> Incident:
    """Return the incident as the change leaves it, without its line's digest."""
    move, actor = change.move, change.actor
    reasons = tuple(dict.fromkeys((*incident.level_reasons, *change.evidence)))
    override = change.override or incident.override
    acknowledged = (incident.acknowledged_at, incident.acknowledged_by)
    if move is Move.RING:
        acknowledged = (None, None)
    elif move in (Move.ACKNOWLEDGE, Move.TAKE_OVER, Move.REOPEN):
        acknowledged = (change.now, actor)
    return replace(
        incident,
        version=incident.version + 1,
        state=change.state,
        priority=min(incident.priority, change.priority or incident.priority),
        kind=change.kind or incident.kind,
        level=level(reasons, override) if reasons else incident.level,
        level_reasons=reasons,
        override=override,
        acknowledged_at=acknowledged[0],
        acknowledged_by=acknowledged[1],
        closed_by=_closed_by(incident, change),
    )


def _closed_by(incident: Incident, change: _Change) -> str | None:
    if change.move is Move.REOPEN:
        return None
    return change.actor if change.move in ENDING_MOVES else incident.closed_by
