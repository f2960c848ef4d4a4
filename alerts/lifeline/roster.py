"""The roster: what must be known to page without the database, read each half minute."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

from alerts.rosters import duties
from alerts.shifts import ALWAYS, Duty
from core import sql
from core.database import Connection
from core.errors import PermanentError
from core.sealing import Seal
from core.telemetry import logger

# Ids that only we may use, taken from the database's own sequences, so that links and idempotency
# keys of pages hold for ever. A page of life safety costs one id each 15 to 60 s.
INCIDENT_IDS = 1_000
PAGE_IDS = 20_000
_QUERIES = sql.load("alerts.lifeline")
_log = logger(__name__)


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


class RosterFile:
    """The roster on disk, sealed; replaced as a whole or not at all."""

    def __init__(self, path: Path, service_key: str) -> None:
        self._path = path
        self._seal = Seal(service_key, "lifeline:roster")
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Roster)

    def write(self, roster: Roster) -> None:
        """Keep the roster. Raises `OSError`."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(self._seal.close(self._encoder.encode(roster)))
            file.flush()
            os.fsync(fd)
        fresh.replace(self._path)

    def read(self) -> Roster | None:
        """Return what was kept, None where there is nothing that can be used."""
        try:
            return self._decoder.decode(self._seal.open(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (PermanentError, msgspec.MsgspecError, OSError) as error:
            _log.error("the lifeline's roster cannot be used", error=str(error))
            return None
