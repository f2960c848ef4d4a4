"""What happened, where, and milliseconds since the cause: read from the database as it grows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core import sql
from core.database import Connection

_QUERIES = sql.load("app.demo")


class Timeline:
    """Tells of new events and log lines, each once, in the order of their commit.

    `causes` maps a home to the moment from which its milliseconds count.
    """

    def __init__(self, tell: Callable[[str], None], households: list[str], timezone: str) -> None:
        self._tell = tell
        self._ours = {"households": households}
        self._zone = ZoneInfo(timezone)  # as the board shows it
        self._seen_events: set[tuple[Any, ...]] = set()
        self._seen_lines: set[tuple[int, int]] = set()
        self.causes: dict[str, datetime] = {}

    def follow(self, conn: Connection) -> None:
        """Read what is new and tell it."""
        for row in conn.execute(_QUERIES["recent_events"], self._ours).fetchall():
            key = (row["device_id"], row["seq"], row["source"])
            if key not in self._seen_events:
                self._seen_events.add(key)
                self._say(row["received_at"], row["household_id"], f"event     {row['type']}")
        for row in conn.execute(_QUERIES["log_lines"], self._ours).fetchall():
            line = (row["incident_id"], row["n"])
            if line not in self._seen_lines:
                self._seen_lines.add(line)
                what = f"incident  {row['kind']} #{row['incident_id']} {row['move']}"
                who = row["detail"].get("responder_id") or row["actor"]
                self._say(row["at"], row["household_id"], f"{what} → {row['state']} ({who})")

    def _say(self, at: datetime, household: str, text: str) -> None:
        cause = self.causes.get(household)
        since = f"+{(at - cause).total_seconds() * 1000:>7.0f} ms" if cause else " " * 11
        local = at.astimezone(self._zone).strftime("%H:%M:%S.%f")[:-3]
        self._tell(f"{local} {since}  {household:<18} {text}")
