"""Real brokers on free ports, for the contract our session relies on."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testcontainers.core.container import DockerContainer

from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from gateway.nats_config import Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES
from tests.conftest import docker_answers

DEVICE, PASSWORD = "door-cam-1", "a-password-of-the-test"


def _wait(port: int, process: subprocess.Popen[bytes] | None) -> None:
    for _ in range(200):
        assert process is None or process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the broker does not listen")


@contextmanager
def running(argv: list[str], port: int) -> Iterator[int]:
    """Run a broker until the end of the block."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def nats(folder: Path) -> Iterator[int]:
    """The embedded broker, with one device and the services."""
    port = free_port()
    hashed = bcrypt_hash(PASSWORD)
    text = render(
        listener=Listener("127.0.0.1", port),
        store_folder=str(folder / "jetstream"),
        services=dict.fromkeys(ROLES, hashed),
        devices=[(DEVICE, hashed)],
    )
    file = folder / "nats.json"
    file.write_text(text)
    with running([server_binary(), "-c", str(file)], port):
        yield port


_MOSQUITTO = "listener {port} {host}\nallow_anonymous true\nmax_queued_messages 10000\n"


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Mosquitto, where its binary is installed or a Docker engine answers."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    file = folder / "mosquitto.conf"
    if Path(binary).exists():
        port = free_port()
        file.write_text(_MOSQUITTO.format(port=port, host="127.0.0.1"))
        with running([binary, "-c", str(file)], port):
            yield port
    elif docker_answers():
        file.write_text(_MOSQUITTO.format(port=1883, host="0.0.0.0"))  # noqa: S104 - in its container
        inside = "/mosquitto/config/mosquitto.conf"
        container = DockerContainer("eclipse-mosquitto:2.0").with_exposed_ports(1883)
        with container.with_volume_mapping(str(file), inside, "ro") as started:
            port = int(started.get_exposed_port(1883))
            _wait(port, None)
            yield port
    else:
        pytest.skip("mosquitto is not installed, and no Docker engine answers")
