"""The limits that only the whole path can show: sizes through the broker, QoS, retained."""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from core.frames import MAX_JPEG_BYTES
from core.wire import MAX_MESSAGE_BYTES
from tests.e2e.conftest import System, eventually

HOME, DEVICE = "home-limits", "camera-limits"
WITHIN_S = 20


class Wire:
    """A device that is nothing but paho; `told` are the acknowledgements it received."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.root = made["topic_root"]
        self.told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        subscribed: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=made["device"])
        self._client.username_pw_set(made["username"], made["password"])
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self.root}/ack")
        self._client.on_subscribe = lambda *_: subscribed.put(True)
        self._client.on_message = lambda _c, _d, got: self.told.put(json.loads(got.payload))
        self._client.connect(made["host"], made["port"])
        self._client.loop_start()
        assert subscribed.get(timeout=10)

    def publish(self, kind: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        sent = self._client.publish(f"{self.root}/{kind}", payload, qos=qos, retain=retain)
        sent.wait_for_publish(10)

    def answer(self) -> dict[str, Any]:
        return self.told.get(timeout=WITHIN_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def wire(system: System) -> Iterator[Wire]:
    system.run("household", "add", HOME, "--name", "Limits")
    made = system.run("device", "add", DEVICE, "--household", HOME, "--kind", "camera")

    def connected() -> Wire | None:
        try:
            return Wire(made)
        except (AssertionError, queue.Empty, OSError):
            return None  # the broker learns of a device within a second

    found: Wire = eventually(connected, 30)
    yield found
    found.close()


def event(seq: int, **data: object) -> dict[str, object]:
    at = datetime.now(UTC).isoformat()
    return {"seq": seq, "type": "motion.sensed", "at": at, "ack": True, "data": data}


def of_size(seq: int, size: int) -> bytes:
    message = event(seq, x="")
    message["data"] = {"x": "x" * (size - len(json.dumps(message)))}
    payload = json.dumps(message).encode()
    assert len(payload) == size
    return payload


def stored(system: System, seq: int) -> list[int]:
    with system.connect() as conn:
        rows = conn.execute(
            "SELECT octet_length(data::text) AS bytes FROM events "
            "WHERE device_id = %s AND seq = %s",
            (DEVICE, seq),
        ).fetchall()
    return [row["bytes"] for row in rows]


@pytest.mark.parametrize(
    ("seq", "size", "good"),
    [
        (101, MAX_MESSAGE_BYTES - 1, True),
        (102, MAX_MESSAGE_BYTES, True),
        (103, MAX_MESSAGE_BYTES + 1, False),
    ],
)
def test_a_message_of_64_kib(system: System, wire: Wire, seq: int, size: int, good: bool) -> None:
    wire.publish("event", of_size(seq, size))
    told = wire.answer()
    if good:
        assert told == {"stored": [seq], "rejected": []}
        assert len(stored(system, seq)) == 1
    else:
        assert told == {"stored": [], "rejected": [{"seq": seq, "reason": "size"}]}
        assert stored(system, seq) == []


@pytest.mark.parametrize(
    ("first", "n", "good"), [(201, 63, True), (301, 64, True), (401, 65, False)]
)
def test_an_array_of_64_events(system: System, wire: Wire, first: int, n: int, good: bool) -> None:
    seqs = list(range(first, first + n))
    wire.publish("event", json.dumps([event(seq) for seq in seqs]).encode())
    told = wire.answer()
    assert sorted(told["stored"]) == (seqs if good else [])
    assert sorted(one["seq"] for one in told["rejected"]) == ([] if good else seqs)
    assert {one["reason"] for one in told["rejected"]} == (set() if good else {"count"})
    assert len(stored(system, seqs[-1])) == good


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        # no picture, but a frame that came through and was looked at
        (MAX_JPEG_BYTES - 1, "jpeg"),
        (MAX_JPEG_BYTES, "jpeg"),
        (MAX_JPEG_BYTES + 1, "frame_size"),
    ],
)
def test_a_frame_of_1_mib(system: System, wire: Wire, size: int, reason: str) -> None:
    def counts() -> dict[str, int]:
        rows = system.run("status", check=False)["rejects"]
        return {row["reason"]: row["n"] for row in rows if row["lane"] == "frame"}

    before = counts()
    header = struct.pack(">BBHIQ", 1, 0, 0, 1, time.time_ns() // 1000)
    wire.publish("frame", header + b"\xff\xd8\xff" + os.urandom(size - 3), qos=0)
    eventually(lambda: sum(counts().values()) > sum(before.values()), WITHIN_S, "it is counted")
    after = counts()
    changed = {name for name, n in after.items() if n != before.get(name, 0)}
    assert changed == {reason}


@pytest.mark.parametrize(("seq", "qos"), [(501, 0), (502, 1), (503, 2)])
def test_whatever_the_qos_the_ack_is_the_promise(
    system: System, wire: Wire, seq: int, qos: int
) -> None:
    wire.publish("event", json.dumps(event(seq)).encode(), qos=qos)
    assert wire.answer()["stored"] == [seq]
    assert len(stored(system, seq)) == 1


@pytest.mark.parametrize(
    ("kind", "process", "seq"), [("event", "ingest", 601), ("alarm", "alarms", 701)]
)
def test_a_retained_event_is_stored_once(
    system: System, wire: Wire, kind: str, process: str, seq: int
) -> None:
    """It may come again at each new subscription of a worker, and changes nothing."""
    payload = json.dumps({**event(seq), "type": "door.opened"}).encode()
    wire.publish(kind, payload, retain=True)
    supervisor = system.services.supervisor
    try:
        eventually(lambda: stored(system, seq), WITHIN_S)
        before = supervisor.pid(process)
        supervisor.signal(process, signal.SIGKILL)
        eventually(lambda: supervisor.pid(process) not in {before, None}, WITHIN_S)
        wire.publish(kind, json.dumps({**event(seq + 1), "type": "door.opened"}).encode())
        eventually(lambda: stored(system, seq + 1), WITHIN_S)
        assert len(stored(system, seq)) == 1
    finally:
        wire.publish(kind, b"", retain=True)  # clears the broker's copy
