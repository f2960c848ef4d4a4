"""The seals of the audit logs, every few seconds, and their head in a file beside the database."""

from __future__ import annotations

import fcntl

from alerts.audit_seals import EVERY_S, keep_head, last_head, seal, seal_key
from app.processes.periodic import Periodic
from core.clock import Clock
from core.database import Connection, Database
from core.settings import Settings
from core.telemetry import logger

HEAD_FILE = "audit-head"
_log = logger(__name__)


class Sealing:
    """Seals until it is stopped; what is written after that waits for the next start."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._key = seal_key(settings.service_key)
        self._file = settings.state_folder / HEAD_FILE
        self._database = database
        self._clock = clock
        self._rounds = Periodic("audit-seals", database, self._seal, every_s=EVERY_S)

    def start(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def _seal(self, conn: Connection) -> None:
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # or another alarms process keeps a later one
            head = last_head(conn)  # of an earlier round: it is committed
            kept = head is None or keep_head(self._file, head)
        if not kept:
            _log.critical("seals of the audit logs were removed", found=str(head))
        seal(conn, key=self._key, now=self._clock.now())
