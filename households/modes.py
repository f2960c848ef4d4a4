"""Whether somebody is at home, as the residents say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core import sql
from core.database import Connection
from core.errors import NotFound, PermanentError

_QUERIES = sql.load("households")


class Mode(StrEnum):
    """What the home is set to."""

    HOME = "home"
    AWAY = "away"  # out for hours; nobody is expected inside
    HOLIDAY = "holiday"  # away for days; the door's silence means nothing


@dataclass(frozen=True, slots=True)
class ModeSet:
    """The mode that holds now; `since` None: it was never set. `until` None: until changed."""

    mode: Mode
    since: datetime | None
    until: datetime | None
    by: str


def set_mode(
    conn: Connection,
    household_id: str,
    mode: Mode,
    *,
    until: datetime | None,
    by: str,
    now: datetime,
) -> None:
    """Set the mode; it falls back to `home` at `until`.

    Raises `PermanentError` for an end that is past, or one of being at home; `NotFound`.
    """
    if until is not None and mode is Mode.HOME:
        raise PermanentError("being at home has no end; set when you leave", "mode.home")
    if until is not None and until <= now:
        raise PermanentError("the end of being away lies in the past", "mode.past")
    given = {"household_id": household_id, "mode": mode, "until": until, "by": by, "now": now}
    if conn.execute(_QUERIES["set_mode"], given).fetchone() is None:
        raise NotFound(f"no household {household_id}", "home.unknown")


def mode_of(conn: Connection, household_id: str, now: datetime) -> ModeSet:
    """Return the mode that holds at `now`; raise `NotFound`."""
    given = {"household_id": household_id, "now": now}
    row = conn.execute(_QUERIES["mode"], given).fetchone()
    if row is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
    return ModeSet(Mode(row["mode"]), row["since"], row["until"], row["by"])
