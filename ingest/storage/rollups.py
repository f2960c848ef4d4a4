"""Roll-ups: per home and day, over the fleet per hour, kept up to date with rows that came late.

On TimescaleDB a refresh makes again what the extension noted as touched. On plain PostgreSQL the
touched buckets are found by when rows were received, and counted again whole, so that counting
twice changes nothing and the writers pay nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import sql
from core.database import Connection
from ingest.storage.engine import BACKLOG, Engine, engine

RECENT = timedelta(days=3)  # looked at every few minutes; the rest of the backlog once a day
# Between taking a row's `received_at` and its commit. A worker kept from the database while another
# went on has lost its partitions long before, and its messages are redelivered.
COMMITS_WITHIN = timedelta(hours=2)
_QUERIES = sql.load("ingest.storage")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A roll-up's view, its continuous aggregate, and its buckets: `width` long from `origin`."""

    name: str
    aggregate: str
    width: timedelta
    origin: datetime

    def floor(self, at: datetime) -> datetime:
        """Return the begin of the bucket that holds `at`."""
        return self.origin + (at - self.origin) // self.width * self.width


# The service's day begins at midnight in Korea (no summer time), as in the schema.
HOUSEHOLD_DAYS = Rollup(
    "household_days",
    "household_day_aggregate",
    timedelta(days=1),
    datetime(2000, 1, 1, 15, tzinfo=UTC),
)
FLEET_HOURS = Rollup(
    "fleet_hours", "fleet_hour_aggregate", timedelta(hours=1), datetime(2000, 1, 1, tzinfo=UTC)
)
ROLLUPS = (HOUSEHOLD_DAYS, FLEET_HOURS)


def stretches(buckets: Sequence[datetime], width: timedelta) -> list[tuple[datetime, datetime]]:
    """Join buckets, given by their begins in order, where one follows the other."""
    joined: list[tuple[datetime, datetime]] = []
    for begin in buckets:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], begin + width)
        else:
            joined.append((begin, begin + width))
    return joined


def refresh(conn: Connection, now: datetime, *, back: timedelta = RECENT) -> None:
    """Bring the roll-ups up to the bucket before this one.

    Late rows are counted as far `back` as asked: by their own time on TimescaleDB, by their
    receipt on plain PostgreSQL. `conn` must be in autocommit: a refresh has its own transactions.
    """
    on_timescale = engine(conn) is Engine.TIMESCALE
    counted = counted_to(conn)
    for rollup in ROLLUPS:
        to = rollup.floor(now)
        if on_timescale:
            mark = counted[rollup.name]  # without one, from the beginning
            begin = rollup.floor(min(now - back, mark)) if mark else None
            span = {"from_at": begin, "to_at": to}
            conn.execute(_TIMESCALE[f"refresh_{rollup.name}"], span)
        else:
            _count(conn, rollup, to, now, back)


def recount(conn: Connection, now: datetime) -> None:
    """Refresh over the whole backlog: all of it, on TimescaleDB what the extension noted."""
    refresh(conn, now, back=BACKLOG)


def _count(conn: Connection, rollup: Rollup, to: datetime, now: datetime, back: timedelta) -> None:
    with conn.transaction():
        mark = conn.execute(_QUERIES["rollup_mark"], {"rollup": rollup.name}).fetchone()
        if mark is None:
            raise AssertionError(f"the roll-up {rollup.name} has no mark")
        seen_to = mark["seen_to"] - COMMITS_WITHIN if mark["seen_to"] else None
        received_from = seen_to
        if seen_to is not None and back > RECENT:
            received_from = min(seen_to, now - back)
        span = {"counted_to": mark["counted_to"], "to": to, "received_from": received_from}
        if rollup is HOUSEHOLD_DAYS:
            conn.execute(_QUERIES["count_household_days"], span)
        else:
            touched = conn.execute(_QUERIES["touched_fleet_hours"], span).fetchall()
            for run in stretches([row["hour"] for row in touched], rollup.width):
                conn.execute(_QUERIES["count_fleet_hours"], {"from_at": run[0], "to_at": run[1]})
        conn.execute(
            _QUERIES["move_mark"], {"rollup": rollup.name, "counted_to": to, "seen_to": now}
        )


def counted_to(conn: Connection) -> dict[str, datetime | None]:
    """Return up to where each roll-up is counted; beyond, it is read from the rows themselves."""
    if engine(conn) is Engine.TIMESCALE:
        rows = conn.execute(_TIMESCALE["watermarks"]).fetchall()
        found = {row["aggregate"]: row["counted_to"] for row in rows}
        return {rollup.name: found.get(rollup.aggregate) for rollup in ROLLUPS}
    rows = conn.execute(_QUERIES["rollup_marks"]).fetchall()
    return {row["rollup"]: row["counted_to"] for row in rows}


def behind(conn: Connection, now: datetime) -> dict[str, timedelta]:
    """Return by how much each roll-up trails, beyond its open bucket; zero where no row waits."""
    late: dict[str, timedelta] = {}
    for rollup in ROLLUPS:
        mark, to = counted_to(conn)[rollup.name], rollup.floor(now)
        waiting = conn.execute(_QUERIES["rows_between"], {"from_at": mark, "to_at": to}).fetchone()
        late[rollup.name] = timedelta(0)
        if waiting and waiting["at"] is not None:
            late[rollup.name] = to - max(mark or waiting["at"], rollup.floor(waiting["at"]))
    return late
