"""The session against a broker that breaks connections: no PUBACK outside a standing session."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from core.ports import Message
from core.settings import BrokerAddress
from gateway.mqtt import Session

CONNACK = b"\x20\x02\x00\x00"
PUBACK = 0x40


class BreakingBroker:
    """Accepts, notes the first packet type of each connection, sends one PUBLISH, hangs up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.types: list[list[int]] = []
        self.served = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                seen = [peer.recv(1024)[0] & 0xF0]
                self.types.append(seen)
                peer.sendall(CONNACK)
                seen.append(peer.recv(1024)[0] & 0xF0)  # SUBSCRIBE
                peer.sendall(b"\x90\x03\x00\x01\x01")
                publish = b"\x00\x01t\x00\x07x"
                peer.sendall(bytes([0x32, len(publish)]) + publish)
                time.sleep(0.1)
            self.served.release()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def broker() -> Iterator[BreakingBroker]:
    made = BreakingBroker()
    yield made
    made.close()


def test_no_acknowledgement_leaves_between_two_connections(broker: BreakingBroker) -> None:
    got: list[Message] = []
    session = Session(
        BrokerAddress(f"mqtt://127.0.0.1:{broker.port}"),
        client_id="svc-test",
        username=None,
        password=None,
        subscriptions=[("t", 1)],
    )
    session.deliver_to(got.append)
    session.start()
    assert broker.served.acquire(timeout=10)
    end_s = time.monotonic() + 1.5  # through the reconnection, as a lane with a backlog would
    while time.monotonic() < end_s:
        session.acknowledge(list(got))
        time.sleep(0.001)
    assert broker.served.acquire(timeout=10)
    session.stop()
    assert len(broker.types) >= 2
    assert all(seen[0] == 0x10 for seen in broker.types), "CONNECT comes first"
