"""What a measurement runs on: a database as in production, a broker, homes and devices.

All of it in a temporary folder, removed at the end; a database or broker named from outside is
used instead, and left with nothing of ours in it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections import deque
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

import psycopg

from app.embedded import nodes
from app.embedded.installation import Installation
from app.embedded.ports import free_port
from app.embedded.postgres import NAME as POSTGRES
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.services import Plan, Services
from app.site import Site
from core import sql
from core.clock import SystemClock
from core.database import Connection, connect
from core.errors import ConfigurationError, TemporaryError
from core.migrate import migrate
from core.secrets import new_secret
from core.settings import Settings, broker_addresses
from core.supervisor import Supervisor
from gateway import registry
from households.homes import Home, add_household, remove_household
from simulators.generator import Who

_QUERIES = sql.load("app.bench")
_STARTS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 30.0
_POLL_S = 0.05
_LOG_LINES = 30
_DEVICES_A_HOME = 2
_INSTALLED_BEFORE = timedelta(minutes=5)  # no clock of ours is so far behind


class How(StrEnum):
    """How a database is away."""

    STOPPED = "stopped"
    HANGING = "hanging"
    READ_ONLY = "read-only"


class OwnDatabase:
    """PostgreSQL as `doorguard up` runs it, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(
            folder,
            port=free_port(),
            password=secrets.token_urlsafe(),
            superuser_password=secrets.token_urlsafe(),
            reachable=folder,
            identity=secrets.token_hex(),
        )
        self._supervisor: Supervisor | None = None
        self.dsn = self._server.dsn()

    def start(self) -> None:
        """Start it and wait until it takes connections; recovery may take its time."""
        self._supervisor = Supervisor(SystemClock(), lambda _name, _line: None)
        self._supervisor.add(self._server.prepare())
        while not self._server.ready(self._supervisor.pid(POSTGRES)):
            if self._supervisor.failures(POSTGRES):
                raise ConfigurationError("PostgreSQL does not start in the temporary folder")
            threading.Event().wait(_POLL_S)
        self._server.make_database()

    def stop(self) -> None:
        """Stop it as an administrator would: sessions are cut, nothing is lost."""
        if self._supervisor is not None:
            self._supervisor.stop(_STOPS_WITHIN_S)
            self._supervisor = None

    def hang(self) -> None:
        """Let it stand still, its connections open: as behind a disk that does not answer."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def read_only(self, on: bool) -> None:
        """Refuse every write from now on, or take them again."""
        admin = psycopg.connect(
            self._server.dsn("postgres", "postgres"),
            autocommit=True,
            options="-c default_transaction_read_only=off",
        )
        with admin:
            admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {on}")
            admin.execute("SELECT pg_reload_conf()")

    def _signal(self, number: signal.Signals) -> None:
        pid = self._supervisor.pid(POSTGRES) if self._supervisor else None
        if pid is None:
            raise TemporaryError("PostgreSQL is not running")
        os.kill(pid, number)  # first: who stands still makes no more children
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), number)


class Testbed:
    """Services without workers, and `devices` registered devices in homes of their own.

    `own` is the database that may be stopped, None when it is somebody else's. Raises
    `ConfigurationError`, `TemporaryError`.
    """

    __test__ = False  # pytest would take it for tests

    def __init__(self, site: Site, *, devices: int, brokers: int = 1) -> None:
        self._site = site
        self._nodes = brokers
        self._wanted = devices
        self._clock = SystemClock()
        self._stamp = f"{self._clock.now():%m%d%H%M%S}"
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.devices: list[Who] = []
        self.own: OwnDatabase | None = None
        self._services: Services | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="doorguard-bench-"))
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.own is None:
                self._leave_nothing()
        finally:
            self._stop()

    def _start(self) -> None:
        if self._site.database is None:
            self.own = OwnDatabase(self.folder)
            self.own.start()
        self.dsn = self.own.dsn if self.own else self._site.dsn()
        migrate(self.dsn)
        with self.connect() as conn:
            self._enrol(conn)
        self._services = Services(
            Installation(self.folder),
            Plan(broker=self._site.broker, database=self.dsn, brokers=self._nodes),
            clock=self._clock,
            on_line=self.tell,
            progress=lambda _text: None,
            reachable=self.folder,
        )
        self._services.start(processes=())

    def _stop(self) -> None:
        if self._services is not None:
            self._services.stop()
        if self.own is not None:
            self.own.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tell(self, name: str, line: str) -> None:
        """Keep a line that a process printed, for when something goes wrong."""
        self.log.append(f"{name:<8} | {line}")

    @property
    def services(self) -> Services:
        if self._services is None:
            raise AssertionError("a testbed is used inside its `with`")
        return self._services

    @property
    def settings(self) -> Settings:
        return self.services.settings

    def broker_pids(self) -> list[int]:
        """Return the process ids of the broker's nodes, none when it is somebody else's."""
        if self._site.broker is not None:
            return []
        found = [self.services.supervisor.pid(name) for name in nodes.names(self._nodes)]
        return [pid for pid in found if pid is not None]

    def kill_broker(self, number: int) -> int | None:
        """Kill a node of our broker without a word; return its process id."""
        pid = self.services.supervisor.pid(nodes.names(self._nodes)[number])
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        return pid

    def brokers(self) -> list[tuple[str, int]]:
        """Return (host, port) of the broker's nodes; raise `ConfigurationError` for TLS."""
        addresses = broker_addresses(self.settings.broker)
        if any(address.tls for address in addresses):
            raise ConfigurationError("the load speaks MQTT without TLS: name an mqtt:// broker")
        return [(address.host, address.port) for address in addresses]

    def connect(self) -> Connection:
        """Open a connection to the database; raise `DatabaseAway`."""
        return connect(self.dsn, application="doorguard-bench")

    def wait_for_database(self) -> None:
        """Wait until it takes connections again; raise `TemporaryError` after a minute."""
        end_s = self._clock.monotonic_s() + _STARTS_WITHIN_S
        while self._clock.monotonic_s() < end_s:
            try:
                self.connect().close()
            except TemporaryError:
                threading.Event().wait(_POLL_S)
            else:
                return
        raise TemporaryError("the database did not come back")

    def _enrol(self, conn: Connection) -> None:
        """Register everything before the broker starts, which then knows all of it at once."""
        now = self._clock.now() - _INSTALLED_BEFORE
        for number in range(self._wanted):
            home = self._home(number // _DEVICES_A_HOME)
            if number % _DEVICES_A_HOME == 0:
                add_household(conn, Home(home, home, 37.55, 126.98, district="Bench"))
            device, password = f"bench-{self._stamp}-{number:04}", new_secret()
            registry.add_device(
                conn, device, household_id=home, kind="camera", now=now, password=password
            )
            self.devices.append(Who(device, device, password))

    def _home(self, number: int) -> str:
        return f"bench-{self._stamp}-{number:04}"

    def _leave_nothing(self) -> None:
        now = self._clock.now()
        names = [who.device for who in self.devices]
        with self.connect() as conn:
            for name in names:
                registry.remove_device(conn, name, now=now)
            for number in range(-(-len(names) // _DEVICES_A_HOME)):
                remove_household(conn, self._home(number), now=now)
            conn.execute(_QUERIES["forget_events"], {"devices": names})
