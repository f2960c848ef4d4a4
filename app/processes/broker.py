"""The embedded broker as a process of its own, for a container; users from the registry."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.embedded.broker import NAME, EmbeddedBroker
from app.processes.running import until_signalled
from app.provision import ensure_synthetic
from core.clock import SystemClock
from core.database import Database
from core.settings import BrokerAddress, Settings
from core.supervisor import Supervisor
from gateway.nats_config import Listener


def run(settings: Settings) -> None:
    """Serve until a signal. Listens where `DOORGUARD_BROKER_LISTEN` says (host:port), with the
    certificate and key of `DOORGUARD_BROKER_CERT_FILE` and `DOORGUARD_BROKER_KEY_FILE`.
    """
    stop = until_signalled()
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-broker")
    database.open()
    with database.transaction() as conn:
        ensure_synthetic(conn, settings.service_key, clock.now())
    address = BrokerAddress(settings.broker)
    default = f"127.0.0.1:{address.port}"
    host, _, port = os.environ.get("DOORGUARD_BROKER_LISTEN", default).rpartition(":")

    def on_line(_name: str, line: str) -> None:
        keeper.read_log(line)
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the server's own log line

    supervisor = Supervisor(clock, on_line)
    keeper = EmbeddedBroker(
        Path(settings.state_folder),
        listener=Listener(
            host,
            int(port),
            os.environ.get("DOORGUARD_BROKER_CERT_FILE"),
            os.environ.get("DOORGUARD_BROKER_KEY_FILE"),
        ),
        service_key=settings.service_key,
        database=database,
        clock=clock,
        reload=lambda: supervisor.signal(NAME, 1),
    )
    supervisor.add(keeper.prepare())
    keeper.start()
    stop.wait()
    keeper.stop()
    supervisor.stop()
    database.close()
