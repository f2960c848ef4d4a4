"""Homes in the service and the people who live in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError

HOUSEHOLD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_QUERIES = sql.load("households")


@dataclass(frozen=True, slots=True)
class Home:
    """A home as it is enrolled; the position is where a responder must arrive (WGS 84, degrees).

    `high_risk`: a threat is known (stalking, violence); the rules may ask for it.
    """

    household_id: str
    name: str
    lat: float
    lon: float
    address: str = ""
    access_note: str = ""
    district: str = ""
    high_risk: bool = False


def add_household(conn: Connection, home: Home) -> None:
    """Enrol a home. Raises `Conflict` when the id is taken, `PermanentError` when it is no id."""
    if not HOUSEHOLD_ID.fullmatch(home.household_id):
        raise PermanentError(
            f"household id {home.household_id!r}: 1 to 64 letters, digits, '.', '_' or '-'"
        )
    if not (-90 <= home.lat <= 90 and -180 <= home.lon <= 180):
        raise PermanentError(f"position {home.lat}, {home.lon} is not on Earth")
    row = conn.execute(
        _QUERIES["insert_household"],
        {
            "household_id": home.household_id,
            "name": home.name,
            "address": home.address,
            "access_note": home.access_note,
            "district": home.district,
            "high_risk": home.high_risk,
            "lat": home.lat,
            "lon": home.lon,
        },
    ).fetchone()
    if row is None:
        raise Conflict(
            f"household {home.household_id} exists, or existed: its history keeps the id; "
            "choose another"
        )


def add_resident(
    conn: Connection, household_id: str, *, name: str, phone: str = "", note: str = ""
) -> None:
    """Add a person who lives there; `note` is what a responder should know (risks, hearing…)."""
    conn.execute(
        _QUERIES["insert_resident"],
        {"household_id": household_id, "name": name, "phone": phone, "note": note},
    )


def set_risk(conn: Connection, household_id: str, *, high: bool) -> None:
    """Note whether a threat to the home is known. Raises `NotFound`."""
    values = {"household_id": household_id, "high_risk": high}
    if conn.execute(_QUERIES["set_risk"], values).fetchone() is None:
        raise NotFound(f"no household {household_id}")


def list_households(conn: Connection) -> list[dict[str, Any]]:
    """Return the homes in service with the names of their residents."""
    return conn.execute(_QUERIES["list_households"]).fetchall()


def remove_household(conn: Connection, household_id: str, *, now: datetime) -> None:
    """End a home's service; its history stays until retention ends it.

    Raises `NotFound`, and `Conflict` while devices still serve it.
    """
    busy = conn.execute(_QUERIES["devices_in_service"], {"household_id": household_id}).fetchone()
    if busy and busy["n"]:
        raise Conflict(f"{busy['n']} devices still serve {household_id}; remove them first")
    found = conn.execute(
        _QUERIES["remove_household"], {"household_id": household_id, "now": now}
    ).fetchone()
    if found is None:
        raise NotFound(f"no household {household_id}")
