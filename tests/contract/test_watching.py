"""Watching a camera: frames reach the watcher while it watches; the real broker and the fake."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import BrokerAway
from core.frames import Frame, encode_frame
from core.ports import Cameras
from core.settings import BrokerAddress
from core.topics import Kind, Topic
from gateway import watching
from gateway.mqtt import Session
from gateway.roles import service_username
from tests.contract.brokers import DEVICE, PASSWORD, nats
from tests.contract.fake_cameras import FakeCameras

JPEG = b"\xff\xd8\xff picture"


def session(port: int, user: str, client_id: str, topic: str | None = None) -> Session:
    return Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=client_id,
        username=user,
        password=PASSWORD,
        subscriptions=[(topic, 0)] if topic else [],
    )


@dataclass
class Scene:
    """What is tested, and a way to let the camera send."""

    cameras: Cameras
    send: Callable[[Frame], None]


@contextmanager
def fake(_folder: Path) -> Iterator[Scene]:
    one = FakeCameras()
    yield Scene(one, lambda frame: one.send(DEVICE, frame))


@contextmanager
def real(folder: Path) -> Iterator[Scene]:
    with nats(folder) as port:
        camera = session(port, DEVICE, DEVICE)
        camera.start()
        assert camera.wait_ready(15)
        topic = str(Topic(DEVICE, Kind.FRAME))
        camera.publish(topic, b"no frame")
        number = itertools.count()
        yield Scene(
            watching.Cameras(
                lambda topic: session(port, service_username("app"), f"live-{next(number)}", topic)
            ),
            lambda frame: camera.publish(topic, encode_frame(frame)),
        )
        camera.stop()


@pytest.fixture(params=[fake, real], ids=["fake", "broker"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with request.param(tmp_path) as made:
        yield made


def numbered(number: int) -> Frame:
    return Frame(number, 1_700_000_000_000_000, infrared=False, motion=True, jpeg=JPEG)


def test_frames_are_handed_over_until_the_watch_ends(scene: Scene) -> None:
    got: list[Frame] = []
    came = threading.Event()

    def take(frame: Frame) -> None:
        got.append(frame)
        came.set()

    watch = scene.cameras.watch(DEVICE, take)
    scene.send(numbered(1))
    assert came.wait(10)
    watch.stop()
    scene.send(numbered(2))
    came.clear()
    again = scene.cameras.watch(DEVICE, take)
    scene.send(numbered(3))
    assert came.wait(10)
    again.stop()
    assert [frame.number for frame in got] == [1, 3]
    assert got[0].jpeg == JPEG


def test_without_a_broker_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.watching._READY_S", 0.1)
    cameras = watching.Cameras(lambda topic: session(1, "a", "live", topic))
    with pytest.raises(BrokerAway):
        cameras.watch(DEVICE, lambda _frame: None)
