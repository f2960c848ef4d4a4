"""Care rules in the database: homes whose time is up are looked at, and the events made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import json

from core import sql
from core.catalogue import Source
from core.database import Connection
from core.errors import NotFound
from core.model import Event
from households.care import SIGNS, CareRule, silent_at
from households.modes import Mode

DEVICE = "svc-care"  # under which the backend speaks of a home; no device can have this name
EVERY_S = 20.0
# Devices send what they kept during an outage of ours; until then silence means nothing.
LISTENED_LONG_ENOUGH_S = 600.0
_AGAIN = timedelta(minutes=10)  # where silence says nothing now: holiday, no camera is heard
_AT_ONCE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUERIES = sql.load("households", "caring.sql")


def set_rule(conn: Connection, household_id: str, rule: CareRule, *, now: datetime) -> None:
    """Agree with a home when its silence is asked after. Raises `NotFound`."""
    given = {
        "household_id": household_id,
        "silent_after_h": rule.silent_after_h,
        "waking_from": rule.waking_from,
        "waking_to": rule.waking_to,
        "now": now,
    }
    if conn.execute(_QUERIES["set_rule"], given).fetchone() is None:
        raise NotFound(f"no household {household_id}", "home.unknown")


def rule_of(conn: Connection, household_id: str) -> CareRule | None:
    """Return what was agreed with a home, None for nothing."""
    row = conn.execute(_QUERIES["rule"], {"household_id": household_id}).fetchone()
    return CareRule(**row) if row else None


def end_rule(conn: Connection, household_id: str) -> None:
    """Ask no more after a home's silence; what was raised an operator closes. Raises `NotFound`."""
    if conn.execute(_QUERIES["end_rule"], {"household_id": household_id}).fetchone() is None:
        raise NotFound(f"nothing was agreed with {household_id}", "care.none")


def look(conn: Connection, *, now: datetime, timezone: str, heard_s: float) -> list[Event]:
    """Return the events of homes that have been silent too long, or are not any more.

    `heard_s`: for so long everything that devices send has been heard. The caller stores the
    events in the same transaction.
    """
    listened = heard_s >= LISTENED_LONG_ENOUGH_S
    given = {"now": now, "signs": list(SIGNS), "limit": _AT_ONCE}
    events: list[Event] = []
    for row in conn.execute(_QUERIES["due"], given).fetchall():
        raised_at, look_at, event = _judged(row, now, timezone, listened=listened)
        values = {"look_at": look_at, "raised_at": raised_at, "household_id": row["household_id"]}
        conn.execute(_QUERIES["looked"], values)
        if event:
            events.append(event)
    return events


def _judged(
    row: dict[str, Any], now: datetime, timezone: str, *, listened: bool
) -> tuple[datetime | None, datetime, Event | None]:
    """Return since when it is raised, when to look again, and what is told."""
    rule = CareRule(row["silent_after_h"], row["waking_from"], row["waking_to"])
    raised_at: datetime | None = row["raised_at"]
    ended = row["mode_until"] is not None and row["mode_until"] <= now
    mode = Mode.HOME if ended else Mode(row["mode"])
    # who says where they are gives a sign; and coming home ends the holiday's silence
    signs = (row["since"], row["sign_at"], row["mode_until"] if ended else row["mode_since"])
    last = max(at for at in signs if at is not None and at <= now)
    due = silent_at(rule, last, timezone)
    if raised_at is not None:
        if last <= raised_at and mode is not Mode.HOLIDAY:
            return raised_at, now + timedelta(seconds=EVERY_S), None
        return None, max(due, now), _event(row, "inactivity.cleared", now, {"at": last})
    if mode is Mode.HOLIDAY or not row["audible"]:
        return None, now + _AGAIN, None
    if due > now:
        return None, due, None
    if not listened:
        return None, now + timedelta(seconds=EVERY_S), None
    told = {"since": last, "waking_hours": rule.silent_after_h}
    return now, now + timedelta(seconds=EVERY_S), _event(row, "inactivity.raised", now, told)


def _event(row: dict[str, Any], name: str, now: datetime, data: dict[str, Any]) -> Event:
    return Event(
        household_id=row["household_id"],
        at=now,
        device_id=DEVICE,
        seq=(now - _EPOCH) // timedelta(microseconds=1),
        source=Source.BACKEND,
        type=name,
        received_at=now,
        data=json.encode(data),
    )
