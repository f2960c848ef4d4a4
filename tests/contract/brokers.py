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

from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from gateway.nats_config import Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES

DEVICE, PASSWORD = "door-cam-1", "a-password-of-the-test"


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None
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


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Mosquitto, where its binary is installed."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(binary).exists():
        pytest.skip("mosquitto is not installed")
    port = free_port()
    file = folder / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 10000\n")
    with running([binary, "-c", str(file)], port):
        yield port
