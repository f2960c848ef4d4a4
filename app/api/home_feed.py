"""One feed per process: how the homes stand that somebody has open.

A thread waits for NOTIFY and reads all followed homes in one query, at least every 2 s. Who follows
gets each reading, and can tell by its time how old it is: it moves only when the database answered.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core import sql
from core.clock import Clock
from core.database import Connection, Database, translated
from core.errors import DatabaseAway
from core.telemetry import logger

POLL_S = 2.0
_STOP_S = 5.0
_QUERIES = sql.load("app.api", "home.sql")
_log = logger(__name__)


class Follower:
    """The newest reading of one home, for one open page."""

    def __init__(self, household_id: str) -> None:
        self.household_id = household_id
        self._loop = asyncio.get_running_loop()
        self._fresh = asyncio.Event()
        self._latest: dict[str, Any] | None = None

    def take(self, reading: dict[str, Any]) -> None:
        """Take a reading; from any thread."""
        self._latest = reading
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fresh.set)

    async def next(self, within_s: float) -> dict[str, Any] | None:
        """Return the newest reading that was not returned yet, None when none came in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._fresh.wait()
        except TimeoutError:
            return None
        self._fresh.clear()
        return self._latest


class HomeFeed:
    """Reads while somebody follows; the thread begins with the first."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._joined = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def followers(self) -> int:
        """How many pages follow a home."""
        with self._lock:
            return sum(map(len, self._followers.values()))

    def follow(self, household_id: str) -> Follower:
        """Follow a home; in an event loop."""
        follower = Follower(household_id)
        with self._lock:
            self._followers[household_id].add(follower)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="homes", daemon=True)
                self._thread.start()
        self._joined.set()
        return follower

    def leave(self, follower: Follower) -> None:
        """Follow no longer."""
        with self._lock:
            followers = self._followers[follower.household_id]
            followers.discard(follower)
            if not followers:
                del self._followers[follower.household_id]

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._joined.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _homes(self) -> list[str]:
        with self._lock:
            return sorted(self._followers)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._joined.wait()
            try:
                self._follow()
            except DatabaseAway as error:
                _log.warning("open pages of homes have lost the database", error=str(error))
                self._stop.wait(POLL_S)

    def _follow(self) -> None:
        """Read until nobody follows."""
        with self._database.listener() as conn, translated():
            conn.execute("LISTEN incidents")
            while not self._stop.is_set():
                self._joined.clear()
                homes = self._homes()
                if not homes:
                    return
                for reading in standing(conn, homes, self._clock.now()):
                    self._hand_out(reading)
                for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                    pass

    def _hand_out(self, reading: dict[str, Any]) -> None:
        with self._lock:
            followers = list(self._followers.get(reading["household_id"], ()))
        for follower in followers:
            follower.take(reading)


def standing(conn: Connection, homes: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """Return how homes stand: mode, devices, and the incident that matters most with its steps."""
    rows = conn.execute(_QUERIES["standing"], {"households": list(homes), "now": now}).fetchall()
    shown = [row for row in rows if row["incident_id"] is not None]
    given = {
        "incidents": [row["incident_id"] for row in shown],
        "until": [row["hidden_since"] or now for row in shown],
    }
    steps: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for step in conn.execute(_QUERIES["steps"], given).fetchall() if shown else ():
        steps[step["incident_id"]].append(step)
    return [_reading(row, steps, now) for row in rows]


def _reading(
    row: dict[str, Any], steps: dict[int, list[dict[str, Any]]], now: datetime
) -> dict[str, Any]:
    incident = None
    if row["incident_id"] is not None:
        names = ("incident_id", "kind", "state", "opened_at", "received_at", "closed_at")
        incident = {name: row[name] for name in names} | help_of(steps[row["incident_id"]])
    return {
        "household_id": row["household_id"],
        "as_of": now,
        "mode": row["mode"],
        "mode_until": row["mode_until"],
        "devices": row["devices"],
        "last_heard_at": row["last_heard_at"],
        "last_event_at": row["last_event_at"],
        "incident": incident,
    }


def help_of(steps: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return who comes and how far they are, from the steps of an incident in order; pure.

    Whoever gave it back, was late or is sent for anew comes no longer.
    """
    nobody = dict.fromkeys(
        ("responder", "responder_kind", "accepted_at", "eta_s", "departed_at", "arrived_at")
    )
    told = dict(nobody)
    for step in steps:
        move = step["move"]
        if move == "accept":
            who = {name: step[name] for name in ("responder", "responder_kind", "eta_s")}
            told = nobody | who | {"accepted_at": step["at"]}
        elif move == "depart":
            told["departed_at"] = step["at"]
        elif move == "arrive":
            told["arrived_at"] = step["at"]
        else:
            told = dict(nobody)
    return told
