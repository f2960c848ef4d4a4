"""Silence as an alarm, in the ingest process: of devices, and of homes by their door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from alerts import synthetic
from app.processes.periodic import Periodic
from core import liveness
from core.clock import Clock
from core.database import Connection, Database
from core.model import Event
from core.settings import Settings
from core.telemetry import logger
from core.topics import PARTITIONS
from gateway import supervision
from households import caring
from ingest.handoff import hand_off
from ingest.store import store

_log = logger(__name__)


def everything_is_heard(conn: Connection, now: datetime) -> bool:
    """Say whether the ingest workers that live read all partitions, each with its broker."""
    beats = [one for one in liveness.beats(conn) if one["process"] == "ingest"]
    living = [
        one["figures"]
        for one in beats
        if (now - one["beat_at"]).total_seconds() < liveness.SILENT_AFTER_S
    ]
    read = sum(one.get("partitions", 0) for one in living)
    return all(one.get("connected") for one in living) and read >= PARTITIONS


class Silence:
    """Looks every 5 s at the devices, and at the homes whose time is up."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        hears: Callable[[Connection, datetime], bool] = everything_is_heard,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._hears = hears
        self._supervision = supervision.Supervision(settings.silence_after_s)
        self._told_of_many = False
        self._rounds = Periodic("silence", database, self.look, every_s=supervision.EVERY_S)

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def figures(self) -> dict[str, Any]:
        """Return how many devices are silent, and how many are so at once that none is told."""
        return {"silent": self._supervision.silent, "silent_held": self._supervision.held}

    def look(self, conn: Connection) -> None:
        """Look once, in the caller's transaction."""
        now = self._clock.now()
        hearing = self._hears(conn, now)
        events = self._supervision.look(conn, now=now, hearing=hearing)
        heard_s = self._supervision.listening_s(now)
        events += caring.look(conn, now=now, timezone=self._settings.timezone, heard_s=heard_s)
        self._store(conn, events)
        self._tell_of_many(conn, now)

    @staticmethod
    def _store(conn: Connection, events: list[Event]) -> None:
        hand_off(conn, store(conn, events))

    def _tell_of_many(self, conn: Connection, now: datetime) -> None:
        """Page the engineer when much of the fleet is silent at once; once until it is over."""
        held = self._supervision.held
        if held and not self._told_of_many:
            reason = f"{held} devices fell silent at once: our side, or the network's"
            _log.error("much of the fleet is silent", devices=held)
            synthetic.page_engineers(conn, now, self._settings, reason)
        self._told_of_many = held > 0
