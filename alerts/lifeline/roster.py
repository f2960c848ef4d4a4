"""The roster: what must be known to page without the database, read each half minute."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from alerts.rosters import duties
from alerts.shifts import ALWAYS, Duty
from core import sql
from core.database import Connection
from core.sealing import SealedFile

# Ids that only we may use, taken from the database's own sequences, so that links and idempotency
# keys of pages hold for ever. A page of life safety costs one id each 15 to 60 s.
INCIDENT_IDS = 1_000
PAGE_IDS = 20_000
_QUERIES = sql.load("alerts.lifeline")


class Dwelling(msgspec.Struct, frozen=True):
    """A home, as a responder must find it."""

    name: str
    address: str
    access_note: str
    lat: float
    lon: float
    high_risk: bool
    district: str = ""


class OnCall(msgspec.Struct, frozen=True):
    """A responder with the channels that reach them."""

    responder_id: str
    name: str
    kind: str
    lat: float
    lon: float
    webhook_url: str | None
    webhook_secret: str | None
    apprise_url: str | None
    district: str = ""
    households: tuple[str, ...] = ()
    duty: Duty = ALWAYS
    device_id: str | None = None
    channels: tuple[str, ...] = ()


class Roster(msgspec.Struct, frozen=True):
    """Everything as of `taken_at`. `devices` says which home each serves.

    `incident_ids` and `page_ids` are reserved, ascending.
    """

    taken_at: datetime
    homes: dict[str, Dwelling]
    devices: dict[str, str]
    responders: dict[str, OnCall]
    incident_ids: tuple[int, ...]
    page_ids: tuple[int, ...]


def read_roster(conn: Connection, *, now: datetime, last: Roster | None) -> Roster:
    """Return the roster of now; ids are reserved anew when fewer than half of `last`'s are left.

    `last` holds only ids that were not used.
    """
    homes = {
        row.pop("household_id"): msgspec.convert(row, Dwelling)
        for row in conn.execute(_QUERIES["homes"]).fetchall()
    }
    devices = {
        row["device_id"]: row["household_id"]
        for row in conn.execute(_QUERIES["devices"], {"now": now}).fetchall()
    }
    on_duty = duties(conn, now)
    responders = {
        row["responder_id"]: msgspec.convert(
            {**row, "duty": on_duty.get(row["responder_id"], ALWAYS)}, OnCall
        )
        for row in conn.execute(_QUERIES["responders"]).fetchall()
    }
    return Roster(
        now,
        homes,
        devices,
        responders,
        _ids(conn, "reserve_incidents", last.incident_ids if last else (), INCIDENT_IDS),
        _ids(conn, "reserve_pages", last.page_ids if last else (), PAGE_IDS),
    )


def _ids(conn: Connection, query: str, left: tuple[int, ...], wanted: int) -> tuple[int, ...]:
    if len(left) > wanted // 2:
        return left
    rows = conn.execute(_QUERIES[query], {"n": wanted - len(left)}).fetchall()
    return (*left, *sorted(row["id"] for row in rows))


def roster_file(folder: Path, service_key: str) -> SealedFile[Roster]:
    """Return where a lifeline keeps its roster."""
    return SealedFile(folder / "roster", service_key, "lifeline:roster", Roster)
