"""Homes "on test": somebody works at the devices there, and who sees an alarm should know.

A mark and nothing more. What an alarm opens, who is paged and what rings is decided without it
(docs/adr/0027). It ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import sql
from core.database import Connection
from core.errors import NotFound, PermanentError

LONGEST_MINUTES = 8 * 60  # a working day (docs/adr/0027)
LONGEST_REASON = 200  # characters; it stands on the board's cards
_QUERIES = sql.load("households", "on_test.sql")


@dataclass(frozen=True, slots=True)
class OnTest:
    """A home on test, by whom and why; `since` the first time when it was prolonged."""

    household_id: str
    since: datetime
    until: datetime
    put_by: str
    reason: str

    def covers(self, at: datetime) -> bool:
        """Say whether what happened at `at` happened on test: not what was open before."""
        return self.since <= at < self.until


def put_on_test(
    conn: Connection, household_id: str, *, minutes: int, reason: str, by: str, now: datetime
) -> OnTest:
    """Put a home on test from now on; one that is on test already is from now on until then.

    Raises `NotFound`, and `PermanentError` without a reason, for one that is longer than
    `LONGEST_REASON`, or for a time outside of 1 to `LONGEST_MINUTES`.
    """
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise PermanentError(
            f"on test for {minutes} minutes: 1 to {LONGEST_MINUTES}; then say so again",
            "on_test.minutes",
            longest=LONGEST_MINUTES,
        )
    why = reason.strip()
    if not 1 <= len(why) <= LONGEST_REASON:
        raise PermanentError(
            f"a home is on test for a reason, of at most {LONGEST_REASON} letters",
            "on_test.why",
            longest=LONGEST_REASON,
        )
    given = {"household_id": household_id, "by": by, "now": now}
    _lock(conn, household_id)
    before = conn.execute(_QUERIES["end"], given).fetchone()
    span = {"since": before["since"] if before else None, "until": now + timedelta(minutes=minutes)}
    row = conn.execute(_QUERIES["put"], given | span | {"reason": why}).fetchone()
    if row is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
    return OnTest(**row)


def take_off_test(conn: Connection, household_id: str, *, by: str, now: datetime) -> bool:
    """End it before its time; say whether the home was on test. Raises `NotFound`."""
    _lock(conn, household_id)
    given = {"household_id": household_id, "by": by, "now": now}
    return conn.execute(_QUERIES["end"], given).fetchone() is not None


def standing_test(conn: Connection, household_id: str, now: datetime) -> OnTest | None:
    """Return how a home is on test at `now`, None when it is not."""
    given = {"household_id": household_id, "now": now}
    row = conn.execute(_QUERIES["of_home"], given).fetchone()
    return OnTest(**row) if row else None


def homes_on_test(conn: Connection, now: datetime) -> dict[str, OnTest]:
    """Return the homes that are on test at `now`, by their id."""
    rows = conn.execute(_QUERIES["all"], {"now": now})
    return {row["household_id"]: OnTest(**row) for row in rows}


def _lock(conn: Connection, household_id: str) -> None:
    if conn.execute(_QUERIES["lock_home"], {"household_id": household_id}).fetchone() is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
