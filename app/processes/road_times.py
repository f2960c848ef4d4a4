"""The thread that asks a road service for travel times, away from everything that pages."""

from __future__ import annotations

import threading
from typing import Any

from alerts.eta.refreshing import ask, keep, questions
from core.clock import Clock
from core.database import Database
from core.errors import DatabaseAway
from core.ports import TravelTimes
from core.settings import Settings
from core.telemetry import logger

EVERY_S = 5.0
_log = logger(__name__)


class RoadTimes:
    """Looks every 5 s; a service that does not answer is said once, and distances are used."""

    def __init__(
        self, service: TravelTimes, database: Database, clock: Clock, settings: Settings
    ) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._settings = settings
        self._fault = ""
        self._kept = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="road-times", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def figures(self) -> dict[str, Any]:
        """Return `road_times_kept` since the start and `road_service_fault` (empty: it answers)."""
        return {"road_times_kept": self._kept, "road_service_fault": self._fault}

    def look(self) -> None:
        """Ask for every open incident once, in this thread."""
        with self._database.transaction() as conn:
            asked = questions(conn, now=self._clock.now(), timezone=self._settings.timezone)
        for question in asked:
            if self._stop.is_set():
                return
            at = self._clock.now()
            times_s, fault = ask(self._service, question)
            self._say(fault)
            if fault:
                return  # the next look comes soon
            with self._database.transaction() as conn:
                keep(conn, question, times_s, by=self._service.name, now=at)
            self._kept += len(times_s)

    def _say(self, fault: str) -> None:
        if bool(fault) != bool(self._fault):
            if fault:
                _log.warning("the road service is away; distances are used", error=fault)
            else:
                _log.info("the road service answers again")
        self._fault = fault

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.look()
            except DatabaseAway as error:
                _log.warning("travel times wait for the database", error=str(error))
