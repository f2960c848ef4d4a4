"""Evidence goes when its time is over: pictures of people at a door are not kept for good."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import TemporaryError
from core.telemetry import logger

EVERY_S = 3600.0
PREFIX = "evidence/"
_log = logger(__name__)


class Expiring(Protocol):
    """A store that can forget what was written before a time."""

    def expire(self, prefix: str, before: datetime) -> int: ...


class EvidenceRetention:
    """Takes away, every hour, what is older than `keep_d` days. Several at once do no harm."""

    def __init__(self, objects: Expiring, clock: Clock, keep_d: int) -> None:
        self._objects = objects
        self._clock = clock
        self._keep = timedelta(days=keep_d)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evidence-retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def expire(self) -> int:
        """Return how many objects went. Raises `TemporaryError`."""
        return self._objects.expire(PREFIX, self._clock.now() - self._keep)

    def _run(self) -> None:
        while True:
            try:
                if gone := self.expire():
                    _log.info("evidence past its time", gone=gone)
            except TemporaryError as error:
                _log.warning("evidence is looked through later", error=str(error))
            if self._stop.wait(EVERY_S):
                return
