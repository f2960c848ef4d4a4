"""Notes when the database has committed an incident: seen from a connection that listens."""

from __future__ import annotations

import threading
import time
from typing import Self

from core.database import Database

_POLL_S = 0.2


class CommitWatch:
    """Used in a `with`; it listens when it begins."""

    def __init__(self, database: Database) -> None:
        self._listener = database.listener(ahead=True)
        self._listener.execute("LISTEN incidents")
        self._first_s: dict[int, float] = {}
        self._heard = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commit-watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def committed_s(self, incident_id: int, within_s: float) -> float | None:
        """Return the monotonic second at which the incident was first heard of; None after
        `within_s`. Those who draw and page may have heard before us.
        """
        with self._heard:
            self._heard.wait_for(lambda: incident_id in self._first_s, within_s)
            return self._first_s.get(incident_id)

    def _run(self) -> None:
        while not self._stop.is_set():
            for told in self._listener.notifies(timeout=_POLL_S, stop_after=1):
                with self._heard:
                    self._first_s.setdefault(int(told.payload), time.monotonic())
                    self._heard.notify_all()
