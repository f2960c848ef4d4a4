"""A cluster of three: a node killed under load loses nothing that a device was told is stored.

The worker, the devices with their outboxes and the nodes are real; only the database is a set.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from app.processes.two_roads import TwoRoads
from core import wire
from core.clock import SystemClock
from core.ports import Message
from core.settings import BrokerAddress, broker_addresses, load
from core.topics import Kind, Topic, device_root, parse, wildcard
from gateway.mqtt import Session
from gateway.roles import service_username
from simulators.addresses import Address
from simulators.connection import Credentials
from simulators.device import Device
from simulators.loop import Loop
from tests.contract.brokers import PASSWORD
from tests.contract.cluster import KEY, Cluster

DEVICES = [f"door-cam-{number}" for number in range(12)]
ALL_ACKED_WITHIN_S = 40.0  # an election takes up to 9 s, and events are sent again every 10 s


class Worker:
    """Stores in memory, then answers the device and the broker, as the event lane does."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.stored: dict[str, list[int]] = defaultdict(list)
        self._seen: set[tuple[str, int]] = set()
        self._waiting: queue.SimpleQueue[Sequence[Message] | None] = queue.SimpleQueue()
        self.session = Session(
            [BrokerAddress(f"mqtt://127.0.0.1:{port}") for port in ports],
            client_id="svc-ingest",
            username=service_username("ingest"),
            password=PASSWORD,
            durable=True,
            subscriptions=[(wildcard(Kind.EVENT), 1)],
        )
        self.session.deliver_to(self._waiting.put)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.session.start()

    def stop(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self.session.stop()

    def _run(self) -> None:
        while (messages := self._waiting.get()) is not None:
            for message in messages:
                device = parse(message.topic).device
                events = [e for e in wire.decode_events(message.payload).events if e.ack]
                for event in events:
                    if (device, event.seq) not in self._seen:
                        self._seen.add((device, event.seq))
                        self.stored[device].append(event.seq)
                if not events:
                    continue  # a heartbeat, of which nobody keeps account
                ack = wire.Ack(stored=[event.seq for event in events])
                self.session.publish(str(Topic(device, Kind.ACK)), wire.encode(ack))
            self.session.acknowledge(messages)


def eventually(true: Callable[[], bool], within_s: float, what: str) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, DEVICES)
    for number in range(3):
        made.start(number)
    yield made
    made.stop()


class Street:
    """The devices; each says something ten times a second until told to stop."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._loop = Loop(SystemClock())
        self.devices = [
            Device(
                Credentials(
                    device=name,
                    username=name,
                    password=PASSWORD,
                    addresses=tuple(Address("127.0.0.1", port) for port in ports),
                    topic_root=device_root(name),
                )
            )
            for name in DEVICES
        ]
        self.sent: dict[str, list[int]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def start(self) -> None:
        for device in self.devices:
            device.join(self._loop)
        self._loop.start("street")
        for device in self.devices:
            assert device.wait_online(30)
        self._thread.start()

    def quiet(self) -> None:
        self._stop.set()
        self._thread.join()

    def stop(self) -> None:
        self._loop.stop()

    def acked(self) -> int:
        return sum(len(self.sent[one.id]) - len(one.unacked) for one in self.devices)

    def unacked(self) -> int:
        return sum(len(one.unacked) for one in self.devices)

    def _talk(self) -> None:
        while not self._stop.wait(0.1):
            for device in self.devices:
                self.sent[device.id].append(device.send("motion.sensed"))


def test_an_alarm_passes_while_the_store_has_no_leader(cluster: Cluster) -> None:
    """An election takes 4 s at least: what comes sooner has not waited for it."""
    name, device_name = service_username("alarms"), DEVICES[0]
    settings = load(
        database="dbname=unused",
        broker=",".join(f"mqtt://{name}:{PASSWORD}@127.0.0.1:{port}" for port in cluster.ports),
        service_key=KEY,
        objects="unused",
        public_url="http://unused",
        state_folder="unused",
    )
    stored = partial(
        Session,
        broker_addresses(settings.broker),
        client_id=name,
        username=name,
        password=PASSWORD,
        durable=True,
        subscriptions=[(wildcard(Kind.ALARM), 1)],
    )
    came: queue.SimpleQueue[Sequence[Message]] = queue.SimpleQueue()
    roads = TwoRoads(stored, settings, SystemClock())
    roads.deliver_to(came.put)
    roads.start()
    eventually(lambda: roads.standing == 4, 40, "all four sessions stand")
    leader = cluster.leader()
    device = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{cluster.ports[(leader + 1) % 3]}")],
        client_id=device_name,
        username=device_name,
        password=PASSWORD,
    )
    device.start()
    try:
        assert device.wait_ready(15)
        cluster.kill(leader)
        press = wire.EventMessage(1, "sos.pressed", datetime.now(UTC))
        device.publish(str(Topic(device_name, Kind.ALARM)), wire.encode(press), qos=1)
        (direct,) = came.get(timeout=2.0)
        assert (direct.payload, direct.token) == (wire.encode(press), None)
        while (again := came.get(timeout=ALL_ACKED_WITHIN_S)[0]).token is None:
            pass  # the device's own repetition, by the direct road
        assert again.payload == direct.payload, "and it was stored as well"
        roads.acknowledge([again])
    finally:
        device.stop()
        roads.stop()


def test_killed_nodes_lose_no_acknowledged_event(cluster: Cluster) -> None:
    """First the one that leads the store and has the worker, then, back, another without it."""
    probe = Worker(cluster.ports)
    assert probe.session.wait_ready(40), "the cluster never let a session stand"
    probe.stop()
    first = cluster.leader()
    others = [number for number in range(3) if number != first]
    order = [cluster.ports[number] for number in (first, *others)]
    worker, street = Worker(order), Street(cluster.ports)
    try:
        assert worker.session.wait_ready(30)
        street.start()
        eventually(lambda: street.acked() > 100, 30, "events are acknowledged")
        cluster.kill(first)
        had = street.acked()
        eventually(lambda: street.acked() > had + 200, ALL_ACKED_WITHIN_S, "they are again")

        cluster.start(first)
        eventually(lambda: cluster.caught_up(first), 30, "the node has caught up")
        second = next(number for number in others if number != cluster.leader())
        cluster.kill(second)
        had = street.acked()
        eventually(lambda: street.acked() > had + 200, ALL_ACKED_WITHIN_S, "they are again")

        street.quiet()
        eventually(lambda: street.unacked() == 0, ALL_ACKED_WITHIN_S, "every event is acknowledged")
        assert worker.session.connected
        for device in street.devices:
            assert sorted(worker.stored[device.id]) == street.sent[device.id]
            assert not device.rejected
    finally:
        street.quiet()
        street.stop()
        worker.stop()
