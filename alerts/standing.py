"""Who can be sent at this moment, and what everybody is doing: for those who send people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.lifecycle import PageState
from alerts.positions import fixes_of
from alerts.ranking import Fix
from alerts.rosters import duties
from alerts.shifts import ABSENCES, ALWAYS, ChangeKind, Duty, ends_at, on_duty
from core import sql
from core.database import Connection

_QUERIES = sql.load("alerts", "standing.sql")


class Status(StrEnum):
    """What somebody is doing."""

    FREE = "free"
    ASKED = "asked"
    ON_THE_WAY = "on_the_way"
    BUSY = "busy"  # at a door
    BREAK = "break"
    OFF = "off"  # off duty, ill or on leave: which of them is theirs


@dataclass(frozen=True, slots=True)
class Standing:
    """One responder now. `incident_id` is that of what they are asked for or work on.

    `fix` is known only while they are on the job, or of a pager that is on.
    """

    responder_id: str
    name: str
    kind: str
    district: str
    skills: tuple[str, ...]
    status: Status
    incident_id: int | None
    off_at: datetime | None
    fix: Fix | None


def status_of(page_state: PageState | None, duty: Duty, now: datetime, timezone: str) -> Status:
    """Return the status. Pure.

    A job counts beyond the shift: who has accepted stays responsible.
    """
    if page_state is PageState.ACCEPTED:
        return Status.ON_THE_WAY
    if page_state is PageState.ARRIVED:
        return Status.BUSY
    if not on_duty(duty, now, timezone):
        away = {one.kind for one in duty.changes if one.kind in ABSENCES and one.holds(now)}
        return Status.BREAK if away == {ChangeKind.BREAK} else Status.OFF
    return Status.FREE if page_state is None else Status.ASKED


def standings(conn: Connection, *, now: datetime, timezone: str) -> list[Standing]:
    """Return everybody, by kind, district and id."""
    known, fixes = duties(conn, now), fixes_of(conn, now)
    rows = conn.execute(_QUERIES["people"]).fetchall()
    return [
        _standing(row, known.get(row["responder_id"], ALWAYS), fixes, now, timezone) for row in rows
    ]


def _standing(
    row: dict[str, Any], duty: Duty, fixes: dict[str, Fix], now: datetime, timezone: str
) -> Standing:
    page_state = PageState(row["page_state"]) if row["page_state"] else None
    status = status_of(page_state, duty, now, timezone)
    return Standing(
        row["responder_id"],
        row["name"],
        row["kind"],
        row["district"],
        tuple(row["skills"]),
        status,
        row["incident_id"],
        None if status in {Status.OFF, Status.BREAK} else ends_at(duty, now, timezone),
        None if status in {Status.OFF, Status.BREAK} else fixes.get(row["responder_id"]),
    )
