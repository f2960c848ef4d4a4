"""What is known of a home when an event comes: the facts by which the rules decide."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from alerts.audit import Detail
from alerts.lifecycle import State
from alerts.policy import Kind, Seen, outstanding
from alerts.rules.deciding import Home, OpenIncident
from alerts.rules.table import Table
from core import sql
from core.database import Connection
from core.model import Event
from core.settings import Settings

_QUERIES = sql.load("alerts")
_SEEN = sql.load("alerts", "board.sql")["seen"]
# nobody has it in hand: no operator, and no responder who has accepted
_UNTAKEN = frozenset({State.RAISED, State.DISPATCHED})


class _Credential(msgspec.Struct):
    user: str = ""


def read_home(
    conn: Connection, event: Event, rules: Table, *, now: datetime, settings: Settings
) -> Home:
    """Return the facts about the event's home; the caller holds the lock on it."""
    home = {"household_id": event.household_id}
    window = timedelta(minutes=rules.lookback_minutes + 1)  # what was is known to the minute
    near = {"since": event.at - window, "until": event.at + window}
    lately = conn.execute(_QUERIES["lately_at_home"], home | near).fetchall()
    risk = conn.execute(_QUERIES["at_high_risk"], home).fetchone()
    return Home(
        open=open_incidents(conn, event.household_id, now),
        lately=tuple((row["type"], row["at"]) for row in lately),
        local=local_time(event.at, settings),
        high_risk=bool(risk and risk["high_risk"]),
        by_resident=_by_resident(conn, event),
    )


def open_incidents(conn: Connection, household_id: str, now: datetime) -> dict[Kind, OpenIncident]:
    """Return the home's open incidents as the rules see them."""
    rows = conn.execute(_QUERIES["open_at_home"], {"household_id": household_id}).fetchall()
    seen: defaultdict[int, list[Seen]] = defaultdict(list)
    for row in conn.execute(_SEEN, {"ids": [row["incident_id"] for row in rows]}).fetchall():
        seen[row.pop("incident_id")].append(Seen(**row))
    return {
        Kind(row["kind"]): OpenIncident(
            kind=Kind(row["kind"]),
            priority=row["priority"],
            findings=row["findings"],
            outstanding=frozenset(alarm for alarm, _ in outstanding(seen[row["incident_id"]])),
            taken=row["acknowledged_by"] is not None or row["state"] not in _UNTAKEN,
            open_for_s=(now - row["created_at"]).total_seconds(),
        )
        for row in rows
    }


def on_test(conn: Connection, event: Event) -> Detail:
    """Return what the log says of a home that was on test when the event happened, else nothing.

    Nothing is decided by it (docs/adr/0027).
    """
    given = {"household_id": event.household_id, "at": event.at}
    row = conn.execute(_QUERIES["on_test_at"], given).fetchone()
    if row is None:
        return {}
    until = row["until"].astimezone(UTC).isoformat(timespec="seconds")
    return {"on_test_by": row["put_by"], "on_test_until": until, "on_test_why": row["reason"]}


def local_time(at: datetime, settings: Settings) -> time:
    """Return the time of day by the service's clock on the wall."""
    return at.astimezone(ZoneInfo(settings.timezone)).time()


def _by_resident(conn: Connection, event: Event) -> bool:
    try:
        user = msgspec.json.decode(event.data, type=_Credential).user
    except msgspec.MsgspecError:
        return False  # the device named nobody in a way we can read
    if not user or "\0" in user:
        return False
    values = {"household_id": event.household_id, "user": user}
    return conn.execute(_QUERIES["lives_there"], values).fetchone() is not None
