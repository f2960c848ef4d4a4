"""A server of the embedded broker as a process of its own, for a container.

Alone, or one node of a cluster: then `DOORGUARD_BROKER_ROUTES` lists host:port of every node's
routes, and `DOORGUARD_BROKER_NODE` is the host of its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.embedded import nodes
from app.embedded.broker import EmbeddedBroker
from app.embedded.probes import Probes
from app.processes.running import until_signalled
from app.provision import ensure_synthetic
from core.clock import SystemClock
from core.database import Database
from core.errors import ConfigurationError
from core.settings import BrokerAddress, Settings, broker_addresses
from core.supervisor import Supervisor
from gateway.nats_config import Listener, Node, RouteTls


def run(settings: Settings) -> None:
    """Serve until a signal. Listens where `DOORGUARD_BROKER_LISTEN` says (host:port), with the
    certificate and key of `DOORGUARD_BROKER_CERT_FILE` and `DOORGUARD_BROKER_KEY_FILE`.
    """
    stop = until_signalled()
    clock = SystemClock()
    server, address = _server(settings)
    database = Database(settings.database, application="doorguard-broker")
    database.open()
    with database.transaction() as conn:
        ensure_synthetic(conn, settings.service_key, clock.now())

    def on_line(_name: str, line: str) -> None:
        keeper.read_log(line)
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the server's own log line

    supervisor = Supervisor(clock, on_line)
    keeper = EmbeddedBroker(
        [server],
        service_key=settings.service_key,
        database=database,
        clock=clock,
        reload=lambda name: supervisor.signal(name, 1),
        probes=Probes({server.name: address}, settings, clock, pid=supervisor.pid),
    )
    for program in keeper.prepare():
        supervisor.add(program)
    keeper.start()
    stop.wait()
    keeper.stop()
    supervisor.stop()
    database.close()


def _server(settings: Settings) -> tuple[nodes.Server, BrokerAddress]:
    """Return what to run, and by which of the broker's addresses it is reached."""
    addresses = broker_addresses(settings.broker)
    default = f"127.0.0.1:{addresses[0].port}"
    host, _, port = os.environ.get("DOORGUARD_BROKER_LISTEN", default).rpartition(":")
    listener = Listener(
        host,
        int(port),
        os.environ.get("DOORGUARD_BROKER_CERT_FILE"),
        os.environ.get("DOORGUARD_BROKER_KEY_FILE"),
    )
    folder = Path(settings.state_folder)
    peers = tuple(filter(None, os.environ.get("DOORGUARD_BROKER_ROUTES", "").split(",")))
    before = nodes.found(folder)
    if before not in {0, max(1, len(peers))}:
        raise ConfigurationError(
            f"{folder} holds the store of a broker of {before} node(s), which serves no other "
            "number; docs/scaling.md says how to change it without losing anything"
        )
    nodes.keep(folder, max(1, len(peers)))
    if not peers:
        return nodes.Server(nodes.NAME, folder / nodes.NAME, listener), addresses[0]
    name = os.environ.get("DOORGUARD_BROKER_NODE", "")
    own = [address for address in addresses if address.host == name]
    if not own:
        raise ConfigurationError(f"DOORGUARD_BROKER does not name this node, {name}")
    node = _node(name, peers, listener, settings)
    return nodes.Server(name, folder / nodes.NAME / name, listener, node), own[0]


def _node(name: str, peers: tuple[str, ...], listener: Listener, settings: Settings) -> Node:
    """Return this node's place in the cluster. Raises `ConfigurationError`.

    Its routes reach beyond this machine and carry what homes say: never without TLS.
    """
    ports = [peer.rpartition(":")[2] for peer in peers if peer.rpartition(":")[0] == name]
    if not ports:
        raise ConfigurationError(f"DOORGUARD_BROKER_ROUTES does not name this node, {name}")
    nodes.check_size(len(peers))
    if not (listener.cert_file and listener.key_file and settings.broker_ca_file):
        raise ConfigurationError(
            "the routes of a cluster need DOORGUARD_BROKER_CERT_FILE, DOORGUARD_BROKER_KEY_FILE "
            "and DOORGUARD_BROKER_CA_FILE"
        )
    return Node(
        name,
        f"{listener.host}:{ports[0]}",
        peers,
        nodes.route_password(settings.service_key),
        RouteTls(listener.cert_file, listener.key_file, settings.broker_ca_file),
    )
