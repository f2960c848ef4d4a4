"""Two alarms processes at a real broker: both hear, one holds the stored session."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from app.processes.two_roads import BEHIND_S, TwoRoads
from core import wire
from core.clock import SystemClock
from core.ports import Message
from core.settings import BrokerAddress, Settings, broker_addresses, load
from core.topics import Kind, Topic, wildcard
from gateway.mqtt import Session
from gateway.roles import service_username
from tests.contract.brokers import DEVICE, PASSWORD, nats
from tests.contract.test_cluster import eventually

NAME = service_username("alarms")
TAKEN_OVER_WITHIN_S = 5.0


class Process:
    """The roads of one alarms process; what it is handed is settled at once."""

    def __init__(self, settings: Settings) -> None:
        stored = partial(
            Session,
            broker_addresses(settings.broker),
            client_id=NAME,
            username=NAME,
            password=PASSWORD,
            durable=True,
            subscriptions=[(wildcard(Kind.ALARM), 1)],
        )
        self.clock = SystemClock()
        self.came: dict[bool, queue.SimpleQueue[tuple[float, bytes]]] = {
            stored: queue.SimpleQueue() for stored in (False, True)
        }
        self.roads = TwoRoads(stored, settings, self.clock)
        self.roads.deliver_to(self._take)
        self.roads.start()

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            stored = message.token is not None
            self.came[stored].put((self.clock.monotonic_s(), message.payload))
        self.roads.acknowledge(messages)

    def next(self, *, stored: bool) -> tuple[float, bytes]:
        """Return when the next message of a road came, and what it says."""
        return self.came[stored].get(timeout=10.0)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with nats(tmp_path) as port:
        yield load(
            database="dbname=unused",
            broker=f"mqtt://{NAME}:{PASSWORD}@127.0.0.1:{port}",
            service_key="k" * 32,
            objects="unused",
            public_url="http://unused",
            state_folder="unused",
        )


def test_both_hear_and_who_is_left_holds_what_is_stored(settings: Settings) -> None:
    one = Process(settings)
    eventually(lambda: one.roads.peers.holding, 10, "the first holds the stored session")
    other = Process(settings)
    eventually(other.roads.peers.behind, 5, "the second hears of it")
    port = broker_addresses(settings.broker)[0].port
    device = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=DEVICE,
        username=DEVICE,
        password=PASSWORD,
    )
    device.start()
    try:
        assert device.wait_ready(10)

        def press(seq: int) -> bytes:
            body = wire.encode(wire.EventMessage(seq, "sos.pressed", datetime.now(UTC)))
            device.publish(str(Topic(DEVICE, Kind.ALARM)), body, qos=1)
            return body

        first = press(1)
        heard_s, said = one.next(stored=False)
        assert said == first
        later_s, said = other.next(stored=False)
        assert said == first
        assert later_s - heard_s > BEHIND_S / 2, "who is behind lets the other go first"
        assert one.next(stored=True)[1] == first
        one.roads.stop()
        eventually(lambda: other.roads.peers.holding, TAKEN_OVER_WITHIN_S, "the second follows")
        second = press(2)
        assert other.next(stored=False)[1] == second
        assert other.next(stored=True)[1] == second
    finally:
        device.stop()
        other.roads.stop()
