"""The roster in the database: weekly shifts, and what differs from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from alerts.shifts import ABSENCES, ALWAYS, Change, ChangeKind, Duty, WeeklyShift, begins_on
from core import sql
from core.database import Connection
from core.errors import NotFound, PermanentError

_QUERIES = sql.load("alerts", "rosters.sql")
_ALERTS = sql.load("alerts")


def set_shifts(conn: Connection, responder_id: str, shifts: Iterable[WeeklyShift]) -> None:
    """Let these be the responder's weekly shifts; none: around the clock. Raises `NotFound`."""
    _check(conn, responder_id)
    conn.execute(_QUERIES["drop_shifts"], {"responder_id": responder_id})
    for shift in shifts:
        conn.execute(
            _QUERIES["add_shift"],
            {
                "responder_id": responder_id,
                "weekdays": sorted(shift.weekdays),
                "start": shift.start,
                "end": shift.end,
                "first_day": shift.first_day,
                "last_day": shift.last_day,
            },
        )


def import_shifts(conn: Connection, given: dict[str, list[WeeklyShift]]) -> None:
    """Set the shifts of all these responders, or of none. Raises `NotFound` naming the unknown."""
    unknown = sorted(name for name in given if not _exists(conn, name))
    if unknown:
        raise NotFound(f"no responder {', '.join(unknown)}; nothing was changed")
    for responder_id, shifts in given.items():
        set_shifts(conn, responder_id, shifts)


def note_absence(
    conn: Connection,
    responder_id: str,
    kind: ChangeKind,
    *,
    start: datetime,
    end: datetime | None,
    noted_by: str,
    now: datetime,
) -> int:
    """Note a break, sick or other leave; return its id.

    When it has begun, who did not answer a page yet is followed by the next at once. Whoever has
    accepted stays responsible until they arrive or give it back. Raises `NotFound`,
    `PermanentError`.
    """
    if kind not in ABSENCES:
        raise PermanentError(f"{kind} is no absence; swaps are made by `swap`")
    change_id = _add(conn, responder_id, kind, start, end, None, noted_by, now)
    if start <= now:
        values = {"responder_id": responder_id, "now": now}
        conn.execute(_ALERTS["hurry_pages_of_responder"], values)
    return change_id


def end_absences(conn: Connection, responder_id: str, *, now: datetime) -> int:
    """Note that the responder is back; return how many absences that ended. Raises `NotFound`."""
    _check(conn, responder_id)
    values = {"responder_id": responder_id, "now": now}
    return len(conn.execute(_QUERIES["withdraw_absences"], values).fetchall())


def swap(
    conn: Connection,
    responder_id: str,
    partner: str,
    *,
    day: date,
    timezone: str,
    noted_by: str,
    now: datetime,
) -> list[tuple[datetime, datetime]]:
    """Let `partner` do the shifts of the responder that begin on this local day; return them.

    The same the other way round gives them back. Raises `NotFound`, and `PermanentError` when no
    shift begins on that day or both are the same person.
    """
    if responder_id == partner:
        raise PermanentError("a shift is swapped between two people")
    _check(conn, partner)
    spans = begins_on(duties(conn, now).get(responder_id, ALWAYS), day, timezone)
    if not spans:
        raise PermanentError(f"no shift of {responder_id} begins on {day}")
    for start, end in spans:
        _add(conn, responder_id, ChangeKind.COVERED, start, end, partner, noted_by, now)
        _add(conn, partner, ChangeKind.COVER, start, end, responder_id, noted_by, now)
    return spans


def duties(conn: Connection, now: datetime) -> dict[str, Duty]:
    """Return the duty of everybody who is not there around the clock, as it stands from `now` on.

    Changes that are over are left out.
    """
    shifts: defaultdict[str, list[WeeklyShift]] = defaultdict(list)
    for row in conn.execute(_QUERIES["shifts"], {"since": now}).fetchall():
        shifts[row["responder_id"]].append(_shift(row))
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for row in conn.execute(_QUERIES["changes"], {"since": now}).fetchall():
        change = Change(ChangeKind(row["kind"]), row["start_at"], row["end_at"])
        changes[row["responder_id"]].append(change)
    return {
        name: Duty(tuple(shifts.get(name, ())), tuple(changes.get(name, ())))
        for name in shifts.keys() | changes.keys()
    }


def _shift(row: dict[str, Any]) -> WeeklyShift:
    return WeeklyShift(
        frozenset(row["weekdays"]),
        row["start_time"],
        row["end_time"],
        row["first_day"],
        row["last_day"],
    )


def _add(
    conn: Connection,
    responder_id: str,
    kind: ChangeKind,
    start: datetime,
    end: datetime | None,
    partner: str | None,
    noted_by: str,
    now: datetime,
) -> int:
    _check(conn, responder_id)
    if end is not None and end <= start:
        raise PermanentError(f"the {kind} ends before it begins")
    row = conn.execute(
        _QUERIES["add_change"],
        {
            "responder_id": responder_id,
            "kind": kind,
            "start": start,
            "end": end,
            "partner": partner,
            "noted_by": noted_by,
            "now": now,
        },
    ).fetchone()
    return int(row["change_id"]) if row else 0


def _exists(conn: Connection, responder_id: str) -> bool:
    return conn.execute(_QUERIES["exists"], {"responder_id": responder_id}).fetchone() is not None


def _check(conn: Connection, responder_id: str) -> None:
    if not _exists(conn, responder_id):
        raise NotFound(f"no responder {responder_id}")
