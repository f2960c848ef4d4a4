"""A lane on a real database, fed by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from core.clock import SystemClock
from core.database import Connection, Database
from core.model import Event
from core.ports import Message
from core.topics import Kind, Topic
from gateway import registry
from households.homes import Home, add_household
from ingest.lane import TOGETHER, Lane
from tests.conftest import NOON, ManualClock


class Broker:
    """Takes what a lane publishes and acknowledges (the `Bus` side of the lane's contract)."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.acknowledged: list[Message] = []
        self.shed_messages: list[Message] = []
        self.asked_again = 0
        self._changed = threading.Condition()

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        with self._changed:
            self.published.append((topic, json.loads(payload)))

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self.publish(topic, payload)

    def shed(self, messages: Sequence[Message]) -> None:
        self.shed_messages += messages

    def ask_again(self) -> None:
        self.asked_again += 1

    def acknowledge(self, messages: Sequence[Message]) -> None:
        with self._changed:
            self.acknowledged += messages
            self._changed.notify_all()

    def wait(self, n: int, within_s: float = 15.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= n, within_s)

    def acks(self) -> dict[str, dict[str, Any]]:
        """Return what each device was told, by device."""
        found: dict[str, dict[str, Any]] = {}
        for topic, body in self.published:
            told = found.setdefault(topic.split("/")[3], {"stored": [], "rejected": []})
            told["stored"] += body["stored"]
            told["rejected"] += body["rejected"]
        return found


class Time(ManualClock):
    """Wall time by hand; monotonic time runs, since a lane waits with it."""

    def monotonic_s(self) -> float:
        return SystemClock().monotonic_s()


class Feed:
    """A running lane and its surroundings."""

    def __init__(self, database: Database) -> None:
        self.clock = Time()
        self.broker = Broker()
        self.stored: list[Event] = []
        self.database = database
        self.offered = 0
        self.lane = self._lane()

    def restart(self, *, started: bool = True, **options: Any) -> None:
        """Replace the lane by a new one on the same database."""
        self.lane.stop()
        self.lane = self._lane(**options)
        if started:
            self.lane.start()

    def _lane(self, **options: Any) -> Lane:
        return Lane(
            "event",
            database=self.database,
            bus=self.broker,
            clock=self.clock,
            batching=TOGETHER,
            telemetry=True,
            on_stored=self._on_stored,
            **options,
        )

    def _on_stored(self, _conn: Connection, events: Sequence[Event], _now: datetime) -> None:
        self.stored += events

    def give(self, *bodies: Any, kind: Kind = Kind.EVENT, device: str = "door-cam-1") -> None:
        """Offer messages; each body is an object to encode or the bytes themselves."""
        for body in bodies:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.offered += 1
            self.lane.offer([Message(str(Topic(device, kind)), payload, token=self.offered)])

    def settle(self) -> None:
        """Wait until everything offered is acknowledged to the broker."""
        self.broker.wait(self.offered)


def event(
    seq: int,
    *,
    at: datetime = NOON,
    type: str = "door.opened",  # noqa: A002 - the field's name on the wire
    **data: Any,
) -> dict[str, Any]:
    return {"seq": seq, "type": type, "at": at.isoformat(), "data": data, "ack": True}


@pytest.fixture
def feed(database: Database, conn: Connection) -> Iterator[Feed]:
    for number in (1, 2):
        add_household(conn, Home(f"home-{number}", f"Home {number}", 37.5, 127.0))
    registry.add_device(conn, "door-cam-1", household_id="home-1", kind="camera", now=NOON)
    made = Feed(database)
    made.lane.start()
    yield made
    made.lane.stop()
