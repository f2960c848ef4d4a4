"""Everything on one machine: database, broker and processes under one supervisor.

`doorguard up`, the demo and the tests all start through here. What is named from outside (a
broker, a database) is not started.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from app.embedded import nodes
from app.embedded.brokering import LocalBroker
from app.embedded.installation import Installation
from app.embedded.postgres import NAME as POSTGRES
from app.embedded.postgres import EmbeddedPostgres
from app.provision import ensure_synthetic
from core import liveness
from core.clock import Clock
from core.database import Database
from core.errors import ConfigurationError, TemporaryError
from core.migrate import migrate
from core.settings import Settings, load, secret
from core.supervisor import LONGEST_BACKOFF_S, Program, Supervisor
from gateway.nats_config import Listener

PROCESSES = ("alarms", "ingest", "detect", "app", "watchman")
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - named by the person, and only with TLS
_ALARMS_BACKOFF_S = 0.2  # whatever ails it, an SOS does not wait
# A process that stands still is as bad as one that is dead, and quieter. One that steps behind on a
# machine with too much to do is slow, and must not be taken for it.
_SILENT_AFTER_S = {"alarms": 10.0}
_LONGEST_SILENCE_S = 30.0
_POLL_S = 0.05
_HEALTHY_WITHIN_S = 60.0
_GIVE_UP_AFTER = 3  # ends in a row: it will not come up


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, and where it listens."""

    broker: str | None = None  # an outside broker's URL
    database: str | None = None  # an outside database's DSN
    mqtt_port: int | None = None
    http_port: int | None = None
    host: str = "127.0.0.1"
    tls_cert: str | None = None
    tls_key: str | None = None
    public_url: str | None = None
    device_host: str | None = None  # the name devices reach the broker by
    durable: bool = True
    brokers: int = 1  # nodes of our own broker
    workers: int = 1  # ingest processes
    detect_workers: int = 1
    alarms: int = 1  # alarms processes, side by side

    def check(self) -> None:
        """Raise `ConfigurationError` when it would carry alarms in the clear over a network."""
        nodes.check_size(self.brokers)
        if self.brokers > 1 and self.broker is not None:
            raise ConfigurationError("--brokers starts our own broker; --broker names another")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigurationError("--tls-cert and --tls-key go together")
        for file in (self.tls_cert, self.tls_key):
            if file and not Path(file).is_file():
                raise ConfigurationError(f"no such file: {file}")
        if self.host not in {"127.0.0.1", "localhost", "::1"} and not self.tls_cert:
            raise ConfigurationError(
                f"--host {self.host} reaches beyond this machine: give --tls-cert and --tls-key, "
                "or keep 127.0.0.1 behind a proxy that speaks TLS"
            )


class Services:
    """A running installation. `progress` is told what takes longer than a moment."""

    def __init__(
        self,
        installation: Installation,
        plan: Plan,
        *,
        clock: Clock,
        on_line: Callable[[str, str], None],
        progress: Callable[[str], None],
        reachable: Path,
    ) -> None:
        plan.check()
        self._home = installation
        self._plan = plan
        self._clock = clock
        self._on_line = on_line
        self._progress = progress
        self._reachable = reachable
        self._interrupted = threading.Event()
        self._postgres: EmbeddedPostgres | None = None
        self._broker: LocalBroker | None = None
        self.supervisor = Supervisor(clock, self._line)
        self.settings = self._make_settings()
        self.database = Database(self.settings.database, application="doorguard-up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _line(self, name: str, line: str) -> None:
        if self._broker:
            self._broker.read_log(name, line)
        self._on_line(name, line)

    def _make_settings(self) -> Settings:
        home, plan = self._home, self._plan
        if plan.database is None:
            self._postgres = EmbeddedPostgres(
                home.folder,
                port=home.port("postgres"),
                password=home.secret("postgres"),
                superuser_password=home.secret("postgres_superuser"),
                identity=home.secret("identity"),
                reachable=self._reachable,
                durable=plan.durable,
            )
        scheme = "mqtts" if plan.tls_cert else "mqtt"
        urls = [f"{scheme}://{_own_host(plan.host)}:{port}" for port in self._mqtt_ports()]
        http_port = home.port("http", plan.http_port)
        return load(
            database=self._postgres.dsn() if self._postgres else plan.database,
            broker=plan.broker or ",".join(urls),
            service_key=secret("SERVICE_KEY") or home.secret("service_key"),
            export_key=secret("EXPORT_KEY") or home.secret("export_key"),
            objects=str(home.folder / "objects"),
            public_url=plan.public_url or f"http://127.0.0.1:{http_port}",
            http_host="127.0.0.1",
            http_port=http_port,
            state_folder=home.folder / "state",
            # what lives for minutes asks nobody to enrol a telephone
            second_factor=None if plan.durable else "offered",
            broker_ca_file=plan.tls_cert,
            broker_pinned=plan.tls_cert is not None,
            device_host=plan.device_host or (_named(plan.host) if plan.broker is None else None),
        )

    def _mqtt_ports(self) -> list[int]:
        """Return the nodes' ports: a given one and those that follow it, else kept free ones."""
        if self._plan.broker is not None:
            return []
        first = self._plan.mqtt_port
        return [
            self._home.port("mqtt" if n == 0 else f"mqtt-{n + 1}", first and first + n)
            for n in range(self._plan.brokers)
        ]

    def environment(self) -> dict[str, str]:
        """Return the settings as the environment of a child process."""
        return {
            f"DOORGUARD_{name.upper()}": str(value)
            for name, value in self.settings.model_dump().items()
            if value is not None
        }

    def start(self, processes: Sequence[str] = PROCESSES) -> None:
        """Bring everything up and wait until it serves. Raises `DoorGuardError`."""
        self._start_database()
        self._start_broker()
        self._home.write_environment(self.environment())
        programs = [program for name in processes for program in self._programs(name)]
        for program in programs:
            self.supervisor.add(program)
        self._wait_healthy([program.name for program in programs])

    def _programs(self, process: str) -> list[Program]:
        """Return what runs a process: one program, or as many as were asked for."""
        wanted = {
            "ingest": self._plan.workers,
            "alarms": self._plan.alarms,
            "detect": self._plan.detect_workers,
        }
        called = [process]
        if process in wanted:
            called += [f"{process}-{number}" for number in range(2, wanted[process] + 1)]
        environment = {**self.environment(), "PYTHONUNBUFFERED": "1"}
        return [
            Program(
                name=name,
                argv=[sys.executable, "-m", "app.processes", process],
                env={**environment, "DOORGUARD_INSTANCE": name if process in wanted else ""},
                silent_after_s=_SILENT_AFTER_S.get(process, _LONGEST_SILENCE_S),
                longest_backoff_s=_ALARMS_BACKOFF_S if process == "alarms" else LONGEST_BACKOFF_S,
            )
            for name in called
        ]

    def _start_database(self) -> None:
        postgres = self._postgres
        if postgres:
            self._progress("starting PostgreSQL")
            self.supervisor.add(postgres.prepare())

            def ready() -> bool:
                self._must_come_up(POSTGRES)
                return postgres.ready(self.supervisor.pid(POSTGRES))

            self._wait("PostgreSQL", ready, None)
            postgres.make_database()
        self._progress("migrating the database")
        applied = migrate(self.settings.database)
        if applied:
            self._progress(f"applied {len(applied)} migrations")
        self.database.open()
        with self.database.transaction() as conn:
            ensure_synthetic(conn, self.settings.service_key, self._clock.now())

    def fill_log(self) -> None:
        """Let our own database be as one in service for long (`EmbeddedPostgres.fill_log`)."""
        if self._postgres:
            self._postgres.fill_log()

    def _start_broker(self) -> None:
        plan, home = self._plan, self._home
        if plan.broker is not None:
            self._forget_nodes([])
            return
        broker = LocalBroker(
            home.folder,
            self.settings,
            port=home.port,
            listener=lambda port: Listener(plan.host, port, plan.tls_cert, plan.tls_key),
            database=self.database,
            supervisor=self.supervisor,
            clock=self._clock,
        )
        if before := broker.outgrown():
            self._progress(f"emptying the store of the broker of before, of {before} node(s)")
            broker.empty(
                environment=self.environment(),
                on_line=self._on_line,
                wait=lambda true: self._wait("what the broker still holds", true, None),
            )
        self._progress(f"starting {', '.join(broker.names)}")
        self._broker = broker
        self._forget_nodes(broker.names)
        broker.start()

        def serves() -> bool:
            for name in broker.names:
                self._must_come_up(name)
            return broker.serves()

        self._wait("the broker's store and most of its nodes", serves, _HEALTHY_WITHIN_S)

    def _forget_nodes(self, present: Sequence[str]) -> None:
        with self.database.transaction() as conn:
            liveness.forget(conn, sorted(nodes.every_name().difference(present)))

    def _wait_healthy(self, programs: Sequence[str]) -> None:
        self._progress(f"starting {', '.join(programs)}")

        def all_beat() -> bool:
            for name in programs:
                self._must_come_up(name)
            with self.database.transaction() as conn:
                now = self._clock.now()
                alive = {
                    row["pid"]
                    for row in liveness.beats(conn)
                    if (now - row["beat_at"]).total_seconds() < liveness.SILENT_AFTER_S
                    and row["figures"].get("connected")
                }
            return alive >= {self.supervisor.pid(name) for name in programs}

        self._wait("the processes", all_beat, _HEALTHY_WITHIN_S)
        if "app" in programs:
            self._wait("the screens", self._app_answers, _HEALTHY_WITHIN_S)

    def _must_come_up(self, name: str) -> None:
        if self.supervisor.failures(name) >= _GIVE_UP_AFTER:
            raise ConfigurationError(f"{name} does not start; its log says why")

    def _app_answers(self) -> bool:
        url = f"http://{self.settings.http_host}:{self.settings.http_port}/healthz"
        try:
            return httpx.get(url, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def _wait(self, what: str, true: Callable[[], bool], limit_s: float | None) -> None:
        began_s = self._clock.monotonic_s()
        said_s = began_s
        while not true():
            now_s = self._clock.monotonic_s()
            if self._interrupted.wait(_POLL_S):
                raise ConfigurationError("stopped while starting")
            if now_s - said_s > 2.0:
                self._progress(f"waiting for {what} ({now_s - began_s:.0f} s)")
                said_s = now_s
            if limit_s is not None and now_s - began_s > limit_s:
                raise TemporaryError(f"{what} did not come up within {limit_s:.0f} s")

    def interrupt(self) -> None:
        """Give up waiting; for a signal handler."""
        self._interrupted.set()

    def stop(self) -> None:
        """End everything within 10 s; the database last."""
        try:
            if self._broker:
                self._broker.stop()
            self.database.close()
        finally:
            self.supervisor.stop()


def _own_host(host: str) -> str:
    """Return how processes on this machine reach a listener."""
    return "127.0.0.1" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host


def _named(host: str) -> str:
    """Return what to tell devices where nobody said how they reach us."""
    return socket.gethostname() if host in _EVERYWHERE else host
