"""The store's upkeep as a part of the ingest process: a thread and a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import psycopg

from core.clock import Clock
from core.database import Connection, Database, connect
from core.errors import TemporaryError
from core.telemetry import logger
from ingest.storage.jobs import JOBS, Job, Jobs

LOOK_EVERY_S = 5.0
_AWAY_S = 1.0
_log = logger(__name__)


class StorageUpkeep:
    """Runs the storage jobs that are due and that no other worker has; never in ingest's way."""

    def __init__(self, database: Database, clock: Clock, jobs: Iterable[Job] = JOBS) -> None:
        self._dsn = database.dsn
        self._clock = clock
        self._jobs = tuple(jobs)
        self._stop = threading.Event()
        self._conn: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="storage-upkeep")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End soon: a job in hand is cancelled, and taken again by the next worker."""
        self._stop.set()
        while self._thread.is_alive():
            conn = self._conn
            if conn is not None and not conn.closed:
                try:
                    conn.cancel_safe(timeout=1.0)
                except psycopg.Error as error:  # the server is gone, and the job with it
                    _log.warning("a job was not cancelled", error=str(error))
            self._thread.join(timeout=0.5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._dsn, autocommit=True, application="doorguard-storage") as conn:
                    self._conn = conn
                    self._follow(Jobs(conn, self._clock, self._jobs))
            except (TemporaryError, psycopg.OperationalError) as error:
                if not self._stop.is_set():
                    _log.warning("storage upkeep waits", error=str(error))
                    self._stop.wait(_AWAY_S)
            finally:
                self._conn = None

    def _follow(self, jobs: Jobs) -> None:
        jobs.sync()
        while not self._stop.is_set():
            jobs.run_due()
            self._stop.wait(LOOK_EVERY_S)
