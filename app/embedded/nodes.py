"""The servers of the embedded broker in a data folder: one alone, or a cluster of several.

One server alone keeps its files in `broker/`, the nodes of a cluster theirs in `broker/broker-N/`:
the two kinds of store cannot be turned into each other in place (docs/adr/0011).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from core.secrets import derive
from gateway.nats_config import Listener, Node

NAME = "broker"
CONFIGURATION = "nats.json"
_LOOPBACK = "127.0.0.1"
_STORE = "jetstream"
_SIZE = "nodes"
_EMPTIED = "emptied"
SIZES = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Server:
    """One nats-server: its name as a program, its folder, where it listens, its cluster or none."""

    name: str
    folder: Path
    listener: Listener
    node: Node | None = None
    monitor_port: int | None = None  # NATS's HTTP on loopback, open only while a store is emptied

    @property
    def file(self) -> Path:
        return self.folder / CONFIGURATION

    @property
    def store(self) -> Path:
        return self.folder / _STORE


def check_size(nodes: int) -> None:
    """Raise `ConfigurationError` for a number of nodes that protects from nothing."""
    if nodes not in SIZES:
        raise ConfigurationError(
            f"a broker of {nodes} nodes: 1, 3 or 5 is expected. A message is safe when a majority "
            "holds it, so an even number survives no more dead nodes than the odd one below it; of "
            "two, not even one"
        )


def names(nodes: int) -> list[str]:
    """Return the programs' names."""
    return [NAME] if nodes == 1 else [f"{NAME}-{number}" for number in range(1, nodes + 1)]


def every_name() -> set[str]:
    """Return the names of nodes of brokers of any size."""
    return {name for size in SIZES for name in names(size)}


def route_password(service_key: str) -> str:
    """Return the secret by which the nodes know each other."""
    return derive(service_key, "broker:routes")


def servers(
    folder: Path, listeners: Sequence[Listener], *, service_key: str, port: Callable[[str], int]
) -> list[Server]:
    """Return one server alone, or the nodes of a cluster whose routes stay on loopback.

    `port` gives the kept port of a name.
    """
    if len(listeners) == 1:
        return [Server(NAME, folder / NAME, listeners[0])]
    called = names(len(listeners))
    routes = {name: f"{_LOOPBACK}:{port(f'{name}-route')}" for name in called}
    return [
        Server(
            name,
            folder / NAME / name,
            listener,
            Node(name, routes[name], tuple(routes.values()), route_password(service_key)),
        )
        for name, listener in zip(called, listeners, strict=True)
    ]


def found(folder: Path) -> int:
    """Return of how many nodes the broker of a data folder is; 0 where there was none yet."""
    home = folder / NAME
    if (home / _EMPTIED).exists():  # we ended while deleting what owed nobody anything
        remove(folder)
    if (home / _SIZE).exists():
        return int((home / _SIZE).read_text(encoding="ascii"))
    return 1 if (home / _STORE).is_dir() else 0  # made before there were clusters


def keep(folder: Path, nodes: int) -> None:
    """Note of how many nodes the broker is: their stores serve no other number."""
    (folder / NAME).mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / NAME / _SIZE).write_text(str(nodes), encoding="ascii")


def remove(folder: Path) -> None:
    """Delete the stores of a broker that holds nothing for anybody any more."""
    home = folder / NAME
    (home / _EMPTIED).touch()
    for one in [home / _STORE, *home.glob(f"{NAME}-*")]:
        if one.exists():
            shutil.rmtree(one)
    for file in (home / CONFIGURATION, home / _SIZE):
        file.unlink(missing_ok=True)
    (home / _EMPTIED).unlink()
