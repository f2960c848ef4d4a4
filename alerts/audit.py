"""The two append-only logs, each line chained to the one before.

digest(n) = SHA-256(digest(n-1) + canonical JSON of line n), beginning from 32 zero bytes; one
chain per incident, one for every look into a home. Canonical: keys sorted, no spaces, UTF-8,
times RFC 3339 in UTC with six digits. An altered, missing, inserted or reordered line breaks the
chain. A cut-off tail shows for incidents, because the row counts its lines (`version`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from psycopg.types.json import Jsonb

from alerts.lifecycle import Move, State, after
from core import sql
from core.database import Connection
from core.errors import IllegalMove

GENESIS = bytes(32)
# No floats: what JSON makes of them is not the same in every library, and the digest must be.
Detail: TypeAlias = Mapping[str, str | int | bool | None]

_QUERIES = sql.load("alerts", "audit.sql")


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One line of an incident's log; `n` counts from 1."""

    incident_id: int
    n: int
    at: datetime
    actor: str
    move: str
    state: str
    detail: Detail


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One look into a home, or one act on the service; `n` counts from 1."""

    n: int
    at: datetime
    actor: str
    action: str
    household_id: str | None
    detail: Detail


def chained(previous: bytes, line: IncidentLine | AccessLine) -> bytes:
    """Return the digest (32 bytes) of `line` after `previous`."""
    fields = asdict(line)
    fields["at"] = line.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def append_incident(conn: Connection, line: IncidentLine, *, previous: bytes) -> bytes:
    """Write one line and return its digest; the caller holds the lock on the incident's row."""
    digest = chained(previous, line)
    values = {**asdict(line), "detail": Jsonb(dict(line.detail)), "digest": digest}
    conn.execute(_QUERIES["append_incident_line"], values)
    return digest


def record_access(
    conn: Connection,
    *,
    actor: str,
    action: str,
    household_id: str | None,
    now: datetime,
    detail: Detail | None = None,
) -> None:
    """Write who did what at which home. Writers queue up until the one before has committed."""
    conn.execute(_QUERIES["lock_access_log"])
    last = conn.execute(_QUERIES["last_access_line"]).fetchone()
    n, previous = (last["n"], last["digest"]) if last else (0, GENESIS)
    line = AccessLine(n + 1, now, actor, action, household_id, dict(detail or {}))
    digest = chained(previous, line)
    values = {**asdict(line), "detail": Jsonb(line.detail), "digest": digest}
    conn.execute(_QUERIES["append_access_line"], values)


def verify(conn: Connection) -> list[str]:
    """Read both logs from the beginning; return one sentence per problem, none when all is well."""
    with conn.transaction():
        return [*_incident_problems(conn), *_access_problems(conn)]


def _incident_problems(conn: Connection) -> Iterator[str]:
    incident_id, expected, previous, state = 0, 1, GENESIS, None
    for row in _stream(conn, "incident_lines"):
        if row["incident_id"] != incident_id:
            incident_id, expected, previous, state = row["incident_id"], 1, GENESIS, None
        digest = bytes(row.pop("digest"))
        line = IncidentLine(**row)
        where = f"incident {incident_id}, line {line.n}"
        if line.n != expected:
            yield f"{where}: line {expected} is missing"
        if chained(previous, line) != digest:
            yield f"{where}: the digest does not fit"
        elif not _follows(state, line):
            yield f"{where}: {line.move} cannot lead from {state} to {line.state}"
        expected, previous, state = line.n + 1, digest, line.state
    for row in conn.execute(_QUERIES["incidents_unlike_their_log"]):
        yield (
            f"incident {row['incident_id']}: the row says {row['state']} after {row['version']} "
            f"lines, the log {row['log_state']} after {row['log_n']}"
        )


def _follows(state: str | None, line: IncidentLine) -> bool:
    try:
        move = Move(line.move)
        if state is None:
            return move is Move.OPEN and line.state == State.RAISED
        return after(State(state), move) == line.state
    except (ValueError, IllegalMove):
        return False


def _access_problems(conn: Connection) -> Iterator[str]:
    expected, previous = 1, GENESIS
    for row in _stream(conn, "access_lines"):
        digest = bytes(row.pop("digest"))
        line = AccessLine(**row)
        if line.n != expected:
            yield f"access log, line {line.n}: line {expected} is missing"
        if chained(previous, line) != digest:
            yield f"access log, line {line.n}: the digest does not fit"
        expected, previous = line.n + 1, digest


def _stream(conn: Connection, query: str) -> Iterator[dict[str, Any]]:
    """Yield the rows through a cursor of the server: the logs outgrow the memory of a process."""
    with conn.cursor(name=query) as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(_QUERIES[query])
