"""Whose homes devices serve, remembered between batches and still exact.

Every change of an assignment, and every place given to a wrong clock, leaves the number of its
transaction in `attribution_changes`. A look asks which devices were changed by transactions that
the look before may not have seen: those from its snapshot's oldest running one on. So nothing is
missed, whatever order transactions commit in, and nobody waits for a lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core import sql
from core.clock import Clock
from core.database import Connection
from ingest.assignments import Assignment, history

_QUERIES = sql.load("ingest")

# `ingest.storage.retention` keeps changes for a day; whoever has not looked for so long knows
# nothing any more.
_TRUSTED_FOR = timedelta(hours=1)
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What attribution needs of one device. `always` is its home when it never had another."""

    assignments: list[Assignment]
    was_placed: bool
    always: str | None


NOBODY = Standing([], was_placed=False, always=None)


class Homes:
    """The memory of one writer; it must see every batch through the same database."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Standing] = {}
        self._seen_to: str | None = None
        self._looked_s = 0.0

    def look(self, conn: Connection, devices: Iterable[str]) -> Mapping[str, Standing]:
        """Return the standing of at least `devices`, as of now; unknown devices have none."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s > _TRUSTED_FOR.total_seconds() or len(self._known) > _REMEMBERED:
            self._known.clear()
            self._seen_to = None
        self._looked_s = now_s
        found = conn.execute(_QUERIES["changed_devices"], {"seen_to": self._seen_to}).fetchone()
        if found is None:
            raise AssertionError("an aggregate returned no row")
        for device in found["devices"] or ():
            self._known.pop(device, None)
        self._seen_to = found["oldest"]
        missing = [device for device in devices if device not in self._known]
        if missing:
            self._read(conn, missing)
        return self._known

    def _read(self, conn: Connection, devices: list[str]) -> None:
        rows = conn.execute(_QUERIES["assignments"], {"devices": devices}).fetchall()
        placed = {row["device_id"] for row in rows if row["was_placed"]}
        for device, assignments in history(rows).items():
            alone = len(assignments) == 1 and assignments[0].valid_to is None
            self._known[device] = Standing(
                assignments,
                was_placed=device in placed,
                always=assignments[0].household_id if alone else None,
            )
