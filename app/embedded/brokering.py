"""Starting the embedded broker below the supervisor of `doorguard up`, of however many nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from app.embedded import nodes
from app.embedded.broker import EmbeddedBroker
from app.embedded.draining import drain
from app.embedded.probes import Probes
from core.clock import Clock
from core.database import Database
from core.settings import Settings, broker_addresses
from core.supervisor import Supervisor
from gateway.nats_config import Listener


class LocalBroker:
    """The nodes the settings name, all on this machine. `port` gives the kept port of a name."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        port: Callable[[str], int],
        listener: Callable[[int], Listener],
        database: Database,
        supervisor: Supervisor,
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._port = port
        self._database = database
        self._supervisor = supervisor
        self._clock = clock
        addresses = broker_addresses(settings.broker)
        self._servers = self._nodes([listener(address.port) for address in addresses])
        self.names = [server.name for server in self._servers]
        self._probes = Probes(
            dict(zip(self.names, addresses, strict=True)), settings, clock, pid=supervisor.pid
        )
        self._keeper = EmbeddedBroker(
            self._servers,
            service_key=settings.service_key,
            database=database,
            clock=clock,
            reload=lambda name: supervisor.signal(name, 1),
            probes=self._probes,
        )

    def _nodes(self, listeners: list[Listener]) -> list[nodes.Server]:
        key = self._settings.service_key
        return nodes.servers(self._folder, listeners, service_key=key, port=self._port)

    def outgrown(self) -> int:
        """Return of how many nodes the broker here was before, when not of as many; else 0."""
        before = nodes.found(self._folder)
        return 0 if before == len(self._servers) else before

    def empty(
        self,
        *,
        environment: Mapping[str, str],
        on_line: Callable[[str, str], None],
        wait: Callable[[Callable[[], bool]], None],
    ) -> None:
        """Have all that the broker of before still owes taken over, then delete its store."""
        drain(
            self._nodes([Listener("127.0.0.1", 1)] * self.outgrown()),
            settings=self._settings,
            environment=environment,
            database=self._database,
            clock=self._clock,
            on_line=on_line,
            wait=wait,
        )
        nodes.remove(self._folder)

    def start(self) -> None:
        """Start every node, and begin to follow the registry. Raises `DatabaseAway`."""
        programs = self._keeper.prepare()
        nodes.keep(self._folder, len(self._servers))
        for program in programs:
            self._supervisor.add(program)
        self._keeper.start()

    def serves(self) -> bool:
        """Say whether devices and processes can use it: most of its nodes let a session stand."""
        return self._probes.most_serve()

    def read_log(self, name: str, line: str) -> None:
        """Take a line that a program printed."""
        if name in self.names:
            self._keeper.read_log(line)

    def stop(self) -> None:
        self._keeper.stop()
