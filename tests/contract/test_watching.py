"""Watching a camera: frames reach the watcher while it watches, on the real broker."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import BrokerAway
from core.frames import Frame, encode_frame
from core.settings import BrokerAddress
from core.topics import Kind, Topic
from gateway.mqtt import Session
from gateway.roles import service_username
from gateway.watching import Cameras
from tests.contract.brokers import DEVICE, PASSWORD, nats

JPEG = b"\xff\xd8\xff picture"


def session(port: int, user: str, client_id: str, topic: str | None = None) -> Session:
    return Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=client_id,
        username=user,
        password=PASSWORD,
        subscriptions=[(topic, 0)] if topic else [],
    )


def test_frames_are_handed_over_until_the_watch_ends(tmp_path: Path) -> None:
    with nats(tmp_path) as port:
        camera = session(port, DEVICE, DEVICE)
        camera.start()
        assert camera.wait_ready(15)
        cameras = Cameras(lambda topic: session(port, service_username("app"), "live-1", topic))
        got: list[Frame] = []
        came = threading.Event()

        def take(frame: Frame) -> None:
            got.append(frame)
            came.set()

        def send(number: int) -> None:
            frame = Frame(number, 1_700_000_000_000_000, infrared=False, motion=True, jpeg=JPEG)
            camera.publish(str(Topic(DEVICE, Kind.FRAME)), encode_frame(frame))

        watch = cameras.watch(DEVICE, take)
        camera.publish(str(Topic(DEVICE, Kind.FRAME)), b"no frame")
        send(1)
        assert came.wait(10)
        watch.stop()
        send(2)
        came.clear()
        again = cameras.watch(DEVICE, take)
        send(3)
        assert came.wait(10)
        again.stop()
        camera.stop()
    assert [frame.number for frame in got] == [1, 3]
    assert got[0].jpeg == JPEG


def test_without_a_broker_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.watching._READY_S", 0.1)
    with pytest.raises(BrokerAway):
        Cameras(lambda topic: session(1, "a", "live", topic)).watch(DEVICE, lambda _frame: None)
