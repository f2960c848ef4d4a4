"""A drawn porch: textured ground, a person who sways, a parcel, light. All from capture time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, sin

import cv2
import numpy as np

from core.errors import TemporaryError
from core.frames import Frame
from core.model import Finding
from detectors.camera import Camera
from detectors.config import CameraConfig

WIDTH_PX, HEIGHT_PX = 640, 360
START_US = 1_700_000_000_000_000
DEVICE = "cam-test-01"
EMPTY_S = 6.0


class MemoryStore:
    """An object store in memory that fails the next `failures` writes."""

    def __init__(self, failures: int = 0) -> None:
        self.held: dict[str, bytes] = {}
        self.failures = failures
        self.attempts = 0

    def put(self, key: str, body: bytes) -> None:
        self.attempts += 1
        if self.failures > 0:
            self.failures -= 1
            raise TemporaryError("the store is away")
        self.held[key] = body

    def get(self, key: str) -> bytes:
        return self.held[key]


NOISE_SIGMA = 2.0  # grey levels; a picture without any noise is a frozen camera's


@cache
def _noise() -> np.ndarray:
    tile = np.random.default_rng(8).normal(0, NOISE_SIGMA, (HEIGHT_PX + 32, WIDTH_PX + 32))
    return np.round(tile).astype(np.int16)


@cache
def _ground() -> np.ndarray:
    rng = np.random.default_rng(7)
    coarse = rng.integers(70, 190, (18, 32)).astype(np.uint8)
    return cv2.resize(coarse, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_NEAREST)


@dataclass(frozen=True)
class Scene:
    """Who is there when, seconds from the start; positions are fractions of the width."""

    person: tuple[float, float] | None = None
    person_x: float = 0.5
    speed: float = 0.0  # fractions of the width a second
    lives: bool = True
    still_from_s: float = float("inf")  # motionless from then on
    parcel: tuple[float, float] | None = None
    dark: tuple[float, float] | None = None
    balloon: tuple[float, float] | None = None
    balloon_still_from_s: float = float("inf")

    def jpeg(self, at_s: float) -> bytes:
        picture = _ground().copy()
        if self.person and self.person[0] <= at_s < self.person[1]:
            x = self.person_x + self.speed * (at_s - self.person[0])
            _draw_person(picture, x, min(at_s, self.still_from_s) if self.lives else 0.0)
        if self.parcel and self.parcel[0] <= at_s < self.parcel[1]:
            cv2.rectangle(picture, (400, 220), (480, 330), 250, -1)
            cv2.line(picture, (400, 275), (480, 275), 20, 6)
        if self.balloon and self.balloon[0] <= at_s < self.balloon[1]:
            _draw_balloon(picture, min(at_s, self.balloon_still_from_s))
        if self.dark and self.dark[0] <= at_s < self.dark[1]:
            picture = cv2.convertScaleAbs(picture, alpha=0.5, beta=8)
        down, right = np.random.default_rng(round(at_s * 1000)).integers(0, 32, 2)
        noise = _noise()[down : down + HEIGHT_PX, right : right + WIDTH_PX]
        picture = cv2.add(picture, noise, dtype=cv2.CV_8U)
        return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])

    def frames(self, fps: float, until_s: float) -> list[Frame]:
        return [
            frame(number, number / fps, self.jpeg(number / fps))
            for number in range(int(until_s * fps))
        ]


def _draw_person(picture: np.ndarray, x: float, at_s: float) -> None:
    sway = int(9 * sin(2.3 * at_s) + 5 * sin(7.1 * at_s))
    middle = int(x * WIDTH_PX)
    cv2.rectangle(picture, (middle - 38, 110), (middle + 38, 230), 25, -1)
    cv2.rectangle(picture, (middle - 22 + sway, 120), (middle + 14 + sway, 200), 240, -1)
    cv2.rectangle(picture, (middle - 30, 230), (middle - 4, 340), 45, -1)
    cv2.rectangle(picture, (middle + 4, 230), (middle + 30, 340), 45, -1)
    cv2.circle(picture, (middle + sway // 3, 85), 26, 15, -1)


def _draw_balloon(picture: np.ndarray, at_s: float) -> None:
    """On a string of 180 px over its weight, with a print; it swings by 8 degrees."""
    turn = 0.11 * sin(2.4 * at_s) + 0.03 * sin(0.9 * at_s)
    middle = (round(420 + 180 * sin(turn)), round(335 - 180 * cos(turn)))
    cv2.line(picture, (420, 335), middle, 150, 2)
    cv2.ellipse(picture, middle, (58, 80), np.degrees(turn), 0, 360, 30, -1)
    cv2.circle(picture, middle, 25, 235, -1)


def frame(number: int, at_s: float, jpeg: bytes, *, infrared: bool = False) -> Frame:
    at_us = START_US + round(at_s * 1e6)
    return Frame(number, at_us, infrared=infrared, motion=False, jpeg=jpeg)


def camera(*, after_s: float = 10.0, store: MemoryStore | None = None, **config) -> Camera:
    return Camera(DEVICE, CameraConfig(loiter_after_s=after_s, **config), store or MemoryStore())


def play(camera: Camera, frames: list[Frame]) -> list[Finding]:
    return [finding for one in frames for finding in camera.feed(one)]


def types(findings: list[Finding]) -> list[str]:
    return [finding.type for finding in findings]
