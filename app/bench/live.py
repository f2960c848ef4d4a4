"""`doorguard bench live`: from the click to the first picture of a door, and how it goes on.

A click is what the browser's is: a WebSocket to the app, `live.start` to a simulated 1080p camera
that sends next to nothing by itself, its masks burnt in, the first whole picture in hand. The
browser's own decoding is not in it.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app.accounts.tokens import issue_token
from app.accounts.users import add_user
from app.bench import procfs
from app.bench.account import percentile
from app.bench.alarm_stage import Size, Stage, staged
from app.site import Site
from core.clock import SystemClock
from core.errors import ConfigurationError
from gateway import registry
from simulators.camera import DoorCamera
from simulators.scene import Scene
from simulators.source import encode_jpeg

CAMERAS = 4
ASKED_MS = 1500.0
_IDLE_FPS = 0.2
_RATE_FPS = 10.0
_LOOK_S = 1.0
_LOST_AFTER_S = 10.0
_PAUSE_S = (0.05, 0.6)
_ONLINE_WITHIN_S = 10.0
_WIDE_PX, _HIGH_PX = 1920, 1080
_USER = "bench-resident"
_MASK = {"name": "neighbour", "polygon": [[0, 0], [0.25, 0], [0.25, 0.5], [0, 0.5]]}


class _Film:
    """Five pictures at 1080p, made beforehand."""

    def __init__(self) -> None:
        scene = Scene(stays=())
        self._pictures = [_full_hd(scene.at(number / 5)) for number in range(5)]

    def at(self, t_s: float) -> bytes:
        return self._pictures[int(t_s * _RATE_FPS) % 5]


def _full_hd(jpeg: bytes) -> bytes:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None  # noqa: S101 - we have just drawn it
    return encode_jpeg(cv2.resize(picture, (_WIDE_PX, _HIGH_PX)).astype(np.uint8, copy=False))


def bench(site: Site, *, clicks: int, seed: int) -> dict[str, Any]:
    """Click `clicks` times, at one door after the other. Raises `DoorGuardError`."""
    procfs.check()
    if site.database is not None or site.broker is not None:
        raise ConfigurationError("the bench uses services of its own, never others")
    chance = random.Random(seed)
    first_ms: list[float] = []
    rates: list[float] = []
    lost = 0
    size = Size(homes=CAMERAS, loaders=0, cameras=CAMERAS)
    with staged(size=size) as stage, _doors(stage) as token:
        for number in range(clicks):
            threading.Event().wait(chance.uniform(*_PAUSE_S))
            seen = _click(stage, number % CAMERAS, token)
            if seen is None:
                lost += 1
                continue
            first_ms.append(seen[0])
            rates.append(seen[1])
    return {
        "ok": lost == 0,
        "clicks": clicks,
        "lost": lost,
        "click_to_picture_ms": {
            "p50": round(percentile(first_ms, 0.5), 1),
            "p95": round(percentile(first_ms, 0.95), 1),
            "max": round(max(first_ms, default=0.0), 1),
        },
        "asked_p95_ms": ASKED_MS,
        "pictures_s": round(percentile(rates, 0.5), 1),
        "machine": procfs.machine(),
    }


@contextmanager
def _doors(stage: Stage) -> Iterator[str]:
    """Put cameras on the doors of the stage, and a resident into its homes; lend their token."""
    film, now = _Film(), SystemClock().now()
    with stage.services.database.transaction() as conn:
        for one in stage.cameras:
            registry.configure(conn, one.device, {"masks": [_MASK]})
        add_user(conn, _USER, "resident", stage.homes)
        token = issue_token(conn, _USER, now)
    cameras = [DoorCamera(one, film, fps=_IDLE_FPS) for one in stage.cameras]
    try:
        for camera in cameras:
            camera.start()
        for camera in cameras:
            if not camera.wait_online(_ONLINE_WITHIN_S):
                raise ConfigurationError(f"{camera.id} could not connect to the broker")
        yield token
    finally:
        for camera in cameras:
            camera.stop()


def _click(stage: Stage, number: int, token: str) -> tuple[float, float] | None:
    """Return milliseconds to the first picture and pictures a second after; None: none came."""
    settings = stage.services.settings
    home, device = stage.homes[number], stage.cameras[number].device
    url = (
        f"ws://{settings.http_host}:{settings.http_port}/v1/households/{home}/devices/{device}/live"
    )
    clicked_s = time.monotonic()
    try:
        with connect(
            url, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None
        ) as socket:
            socket.send(json.dumps({"rate_fps": _RATE_FPS}))
            while isinstance(socket.recv(timeout=_LOST_AFTER_S), str):
                pass
            first_s = last_s = time.monotonic()
            pictures = 0
            while last_s - first_s < _LOOK_S:
                pictures += isinstance(socket.recv(timeout=_LOST_AFTER_S), bytes)
                last_s = time.monotonic()
    except (TimeoutError, OSError, WebSocketException):
        return None
    return (first_s - clicked_s) * 1000, pictures / (last_s - first_s)


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    spread = found["click_to_picture_ms"]
    return "\n".join(
        [
            f"{found['clicks']} clicks at {CAMERAS} doors, 1080p; {found['machine']}",
            (
                f"  click to picture  p50 {spread['p50']} ms   p95 {spread['p95']} ms   "
                f"longest {spread['max']} ms   (asked: p95 {ASKED_MS:g} ms)"
            ),
            f"  then {found['pictures_s']} pictures a second of {_RATE_FPS:g} asked for",
            f"  lost {found['lost']}",
        ]
    )
