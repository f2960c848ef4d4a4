"""`doorguard up --brokers 3`: nodes die under load, the cluster shrinks to one; nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from core.clock import SystemClock
from core.errors import ConfigurationError
from core.settings import BrokerAddress
from gateway.mqtt import Session
from simulators.button import Button
from simulators.connection import Credentials
from simulators.pager import Pager
from tests.e2e.conftest import System, eventually

# The button's node may have led the store of sessions: its election takes 4 to 9 s (nats-server),
# and an attempt to connect that met no leader is given up after 2 s.
ANSWERED_WITHIN_S = 15.0


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="doorguard-cluster-"))
    made.chmod(0o711 if os.geteuid() == 0 else 0o700)
    yield made
    shutil.rmtree(made)


def services(folder: Path, brokers: int, log: list[str]) -> Services:
    return Services(
        Installation(folder),
        Plan(durable=False, brokers=brokers),
        clock=SystemClock(),
        on_line=lambda name, line: log.append(f"{name}: {line}"),
        progress=log.append,
        reachable=folder,
    )


def test_two_nodes_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="2 nodes: 1, 3 or 5"):
        services(folder, 2, [])


def test_nodes_die_and_the_cluster_becomes_one(folder: Path) -> None:
    log: list[str] = []
    with services(folder, 3, log) as running:
        running.start()
        system = System(folder, running, log)
        device = an_sos_is_paged_whichever_node_dies(system)
        leave_one_untaken(system, device)
    with services(folder, 1, log) as running:
        running.start()
        system = System(folder, running, log)
        assert any("emptying the store" in line for line in log)
        assert not list((folder / "broker").glob("broker-*"))
        eventually(lambda: is_stored(system, device, 7), 10, "what the cluster still held")
        status = system.run("status", check=False)
        assert {name for name in status["processes"] if name.startswith("broker")} >= {"broker"}


def an_sos_is_paged_whichever_node_dies(system: System) -> dict[str, Any]:
    pager = Pager("")
    pager.start()
    system.run("household", "add", "home-1")
    pager.secret = system.run("responder", "add", "crew-1", "--webhook", pager.url)[
        "webhook_secret"
    ]
    device = system.run("device", "add", "button-1", "--household", "home-1", "--kind", "button")
    assert len(device["addresses"]) == 3
    button = Button(Credentials.from_json(device))
    button.start()
    result: dict[str, Any] = {}

    def play() -> None:
        words = ("--homes", "20", "--duration-s", "25", "--speed", "120")
        result.update(system.run("simulate", *words, check=False))

    evening = threading.Thread(target=play)
    try:
        assert button.wait_online(15)
        evening.start()
        eventually(lambda: stored(system) > 50, 30, "events arrive")
        supervisor = system.services.supervisor
        for name in ("broker-1", "broker-2"):
            pid = supervisor.pid(name)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            began_s = time.monotonic()
            assert button.wait_acked(button.press(), ANSWERED_WITHIN_S) is not None
            system.log.append(f"SOS answered {time.monotonic() - began_s:.2f} s after {name} died")
            eventually(lambda: nodes_serving(system) == 3, 40, "every node serves")
        assert pager.wait_page(lambda page: page.body["household"]["name"] == "home-1", 5)
    finally:
        evening.join()
        button.stop()
        pager.stop()
        system.run("responder", "remove", "crew-1")
    assert (result["lost"], result["doubled"], result["unacked"]) == (0, 0, 0), result
    assert result["stored"] == result["sent"] > 100
    return device


def leave_one_untaken(system: System, device: dict[str, Any]) -> None:
    """Have the broker take an event that no device will repeat, and nobody come for it."""
    pid = system.services.supervisor.pid("ingest")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    session = Session(
        [BrokerAddress(f"mqtt://{one['host']}:{one['port']}") for one in device["addresses"]],
        client_id=device["device"],
        username=device["username"],
        password=device["password"],
    )
    session.start()
    assert session.wait_ready(15)
    event = {
        "seq": 7,
        "type": "bell.pressed",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    session.publish(f"{device['topic_root']}/event", json.dumps(event).encode(), qos=1)
    session.stop()  # waits for the PUBACK
    assert not is_stored(system, device, 7)


def stored(system: System) -> int:
    with system.connect() as conn:
        row = conn.execute("SELECT count(*) AS n FROM events").fetchone()
    assert row is not None
    return int(row["n"])


def is_stored(system: System, device: dict[str, Any], seq: int) -> bool:
    with system.connect() as conn:
        return bool(
            conn.execute(
                "SELECT 1 FROM events WHERE device_id = %s AND seq = %s", (device["device"], seq)
            ).fetchall()
        )


def nodes_serving(system: System) -> int:
    found = system.run("status", check=False)["processes"]
    return sum(
        one["alive"] and one.get("connected", False)
        for name, one in found.items()
        if name.startswith("broker-")
    )
