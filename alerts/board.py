"""What the operator's board shows, read with a fixed number of queries however long the queue.

The synthetic home's own tests are left out: they come and go each minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import policy
from alerts.evidence import EvidenceLine, evidence_in
from alerts.lifecycle import CLOSED_STATES, PageState, State
from core import sql
from core.database import Connection
from core.errors import NotFound

_QUERIES = sql.load("alerts", "board.sql")


@dataclass(frozen=True, slots=True)
class PageLine:
    """One page to one responder; `last_error` is of its newest delivery that failed.

    `eta_s`: seconds to the home as reckoned when it was planned; None when nobody reckoned.
    """

    page_id: int
    responder_id: str
    responder_name: str
    kind: str
    state: PageState
    distance_m: float
    round: int
    planned_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    answer_by: datetime
    last_error: str
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of the incident."""

    type: str
    at: datetime
    device_id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the incident's log."""

    n: int
    at: datetime
    actor: str
    move: str
    state: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """Everything about one incident that an operator looks at.

    `residents` are (name, phone, note). `restored`: every alarm of it has ended.
    `nobody_on_shift`: the last attempt found nobody to page. `overdue`: who accepted did not come
    in time, and nobody has since. `late_expected`: who accepted will not be there within the 25
    minutes. Events (the newest 50), their evidence with what
    responders photographed, and timeline (the
    newest 100 lines) are oldest first. `level` is that of AVS-01 (`alerts.validation`), with what
    is known, and why an operator set it ('' when none did).
    """

    incident_id: int
    household_id: str
    household_name: str
    address: str
    access_note: str
    district: str
    residents: list[tuple[str, str, str]]
    kind: str
    priority: int
    state: State
    opened_at: datetime
    created_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    arrived_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    closing_note: str
    resident_cancelled: bool
    restored: bool
    nobody_on_shift: bool
    pages: list[PageLine]
    events: list[EventLine]
    evidence: list[EvidenceLine]
    timeline: list[LogLine]
    overdue: bool = False
    late_expected: bool = False
    level: int = 1
    level_reasons: Sequence[str] = ()
    level_set_why: str = ""


def queue(conn: Connection, now: datetime) -> list[IncidentCard]:  # noqa: ARG001
    """Return the open incidents, highest priority first, then oldest first.

    `now` decides nothing yet: an incident from a machine whose clock runs ahead is shown as well.
    """
    return _cards(conn, conn.execute(_QUERIES["open_incidents"]).fetchall())


def recent(conn: Connection, limit: int) -> list[IncidentCard]:
    """Return at most `limit` closed incidents, the newest first."""
    return _cards(conn, conn.execute(_QUERIES["closed_incidents"], {"limit": limit}).fetchall())


def card(conn: Connection, incident_id: int) -> IncidentCard:
    """Return one incident, open or closed; raise `NotFound`."""
    rows = conn.execute(_QUERIES["one_incident"], {"incident_id": incident_id}).fetchall()
    if not rows:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    return _cards(conn, rows)[0]


def counts(conn: Connection) -> dict[str, int]:
    """Return how many incidents are `open`, `unacknowledged`, and of each priority `p1`..`p4`."""
    row = conn.execute(_QUERIES["counts"]).fetchone()
    return {name: int(n) for name, n in row.items()} if row else {}


def _cards(conn: Connection, rows: list[dict[str, Any]]) -> list[IncidentCard]:
    if not rows:
        return []
    ids = {"ids": [row["incident_id"] for row in rows]}
    homes = {"homes": sorted({row["household_id"] for row in rows})}
    residents = _by(conn.execute(_QUERIES["residents"], homes).fetchall(), "household_id")
    pages = _by(conn.execute(_QUERIES["pages"], ids).fetchall(), "incident_id")
    events = _by(conn.execute(_QUERIES["events"], ids).fetchall(), "incident_id")
    lines = _by(conn.execute(_QUERIES["lines"], ids).fetchall(), "incident_id")
    seen = _by(conn.execute(_QUERIES["seen"], ids).fetchall(), "incident_id")
    photos = _by(conn.execute(_QUERIES["photos"], ids).fetchall(), "incident_id")
    marks = _by(conn.execute(_QUERIES["marks"], ids).fetchall(), "incident_id")
    return [
        _card(
            row,
            [(one["name"], one["phone"], one["note"]) for one in residents[row["household_id"]]],
            [PageLine(**{**p, "state": PageState(p["state"])}) for p in pages[row["incident_id"]]],
            [EventLine(**event) for event in events[row["incident_id"]]],
            [LogLine(**line) for line in lines[row["incident_id"]]],
            [policy.Seen(**one) for one in seen[row["incident_id"]]],
            [EvidenceLine(**photo) for photo in photos[row["incident_id"]]],
            {mark for one in marks[row["incident_id"]] for mark in one if one[mark]},
        )
        for row in rows
    ]


def _card(
    row: dict[str, Any],
    residents: list[tuple[str, str, str]],
    pages: list[PageLine],
    events: list[EventLine],
    timeline: list[LogLine],
    seen: list[policy.Seen],
    photos: list[EvidenceLine],
    marks: set[str],
) -> IncidentCard:
    state = State(row["state"])
    calls = [event.type for event in seen if event.type in ("sos.pressed", "sos.cancelled")]
    return IncidentCard(
        **{**row, "state": state},
        residents=residents,
        resident_cancelled=calls[-1:] == ["sos.cancelled"],
        restored=bool(seen) and not policy.outstanding(seen),
        nobody_on_shift=state not in CLOSED_STATES and "nobody" in marks,
        pages=pages,
        events=events,
        evidence=[*(line for event in events for line in evidence_in(event.data)), *photos],
        timeline=timeline,
        overdue=state not in CLOSED_STATES and "overdue" in marks,
        late_expected=state not in CLOSED_STATES and "breach" in marks,
    )


def _by(rows: list[dict[str, Any]], key: str) -> defaultdict[Any, list[dict[str, Any]]]:
    """Group rows by a column that the lines themselves do not carry."""
    grouped: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row.pop(key)].append(row)
    return grouped
