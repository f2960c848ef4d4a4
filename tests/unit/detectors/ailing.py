"""A camera before a rendered porch, and what befalls it: grey pictures of the working size, by
seconds of capture time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import sin

import cv2
import numpy as np

from core.frames import Frame
from detectors.health import Health, Told
from simulators.places import HEIGHT_PX, MARGIN_PX, WIDTH_PX, porch_place
from tests.unit.detectors.scene import START_US

WIDE, HIGH = 240, 135
MARGIN = MARGIN_PX // 2
NOISE_SIGMA = 0.7  # of the camera's noise, after the reduction
ILL_S, WELL_S, END_S = 14.0, 32.0, 44.0

Picture = np.ndarray  # float32, (135, 240), or with the margin around it
Effect = Callable[[Picture, float], Picture | None]  # of the wide picture; None: no frame


@cache
def porch(seed: int = 3) -> Picture:
    """Return the empty porch with a margin on each side."""
    wide = cv2.cvtColor(porch_place(np.random.default_rng(seed)).picture, cv2.COLOR_BGR2GRAY)
    size = ((WIDTH_PX + 2 * MARGIN_PX) // 2, (HEIGHT_PX + 2 * MARGIN_PX) // 2)
    return cv2.resize(wide, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def view(wide: Picture, right: float = 0.0, down: float = 0.0, turn: float = 0.0) -> Picture:
    """Return what the camera sees of the wide picture, moved by px and turned by degrees."""
    centre = (wide.shape[1] / 2 + right, wide.shape[0] / 2 + down)
    move = cv2.getRotationMatrix2D(centre, turn, 1.0)
    move[:, 2] += (WIDE / 2 - centre[0], HIGH / 2 - centre[1])
    return cv2.warpAffine(wide, move, (WIDE, HIGH), borderMode=cv2.BORDER_REFLECT_101)


@cache
def cloth(seed: int, cell: int) -> Picture:
    rng = np.random.default_rng(seed)
    small = rng.normal(0, 1, (HIGH // cell + 2, WIDE // cell + 2)).astype(np.float32)
    return cv2.resize(small, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)


def cover(tone: float, share: float = 1.0, *, folds: float = 0.0, onset_s: float = 0.6) -> Effect:
    """Something flat slides before the lens: too near to have structure but broad folds."""

    def effect(wide: Picture, t_s: float) -> Picture:
        picture = view(wide)
        edge = round(WIDE * share * min(1.0, (t_s - ILL_S) / onset_s))
        picture[:, :edge] = (tone * np.linspace(0.9, 1.1, WIDE) + folds * cloth(1, 60))[:, :edge]
        return picture

    return effect


def spray(wide: Picture, t_s: float) -> Picture:
    """Paint on the dome, in blots that grow together within three seconds."""
    part = min(1.0, (t_s - ILL_S) / 3.0)
    blots = cv2.GaussianBlur((cloth(2, 12) < -1.2 + 3.5 * part).astype(np.float32), (0, 0), 3)
    return view(wide) * (1 - blots) + blots * (60 + 6 * cloth(3, 40))


def bag(wide: Picture, t_s: float) -> Picture:
    """A plastic bag: light comes through, and a breath of the scene; it stirs in the wind."""
    near = cv2.GaussianBlur(view(wide), (0, 0), 14)
    return 0.25 * near + 110 + 12 * np.roll(cloth(4, 45), round(3 * sin(2 * t_s)), axis=1)


def defocus(sigma: float) -> Effect:
    def effect(wide: Picture, t_s: float) -> Picture:
        return cv2.GaussianBlur(view(wide), (0, 0), max(0.2, sigma * min(1.0, t_s - ILL_S)))

    return effect


def move(right: float, down: float, turn: float = 0.0) -> Effect:
    def effect(wide: Picture, t_s: float) -> Picture:
        part = min(1.0, (t_s - ILL_S) / 0.5)
        return view(wide, part * right, part * down, part * turn)

    return effect


def turned_away(_wide: Picture, _t_s: float) -> Picture:
    return view(porch(8), 20, -10)


def dark(alpha: float, black: float = 4.0) -> Effect:
    def effect(wide: Picture, t_s: float) -> Picture:
        left = 1.0 - min(1.0, (t_s - ILL_S) / 0.4) * (1.0 - alpha)
        return view(wide) * left + black * (1.0 - left)

    return effect


def no_frames(_wide: Picture, _t_s: float) -> None:
    return None


@dataclass(frozen=True)
class Camera:
    """`effect` holds from `ILL_S` to `WELL_S`; `frozen` repeats the last picture then, drawn anew
    by `rendering` where that is given. `weather` is before the lens at all times.
    """

    effect: Effect | None = None
    weather: Effect | None = None
    frozen: bool = False
    rendering: Callable[[np.ndarray, float], np.ndarray] | None = None
    infrared: Callable[[float], bool] = lambda _t_s: False
    noise: float = NOISE_SIGMA
    mirrored: bool = False
    seed: int = 3

    def pictures(self, fps: float, until_s: float = END_S) -> Iterator[tuple[Frame, np.ndarray]]:
        last: np.ndarray | None = None
        for number in range(int(until_s * fps)):
            t_s = number / fps
            grey = self.at(t_s)
            if self.frozen and ILL_S <= t_s < WELL_S and last is not None:
                grey = self.rendering(last, t_s) if self.rendering else last
            elif grey is not None:
                last = grey
            if grey is not None:
                at_us = START_US + round(t_s * 1e6)
                turned = np.ascontiguousarray(grey[:, ::-1]) if self.mirrored else grey
                yield Frame(number, at_us, self.infrared(t_s), motion=False, jpeg=b""), turned

    def at(self, t_s: float) -> np.ndarray | None:
        ill = self.effect is not None and ILL_S <= t_s < WELL_S
        shown = (self.effect if ill else self.weather or _nothing)(porch(self.seed), t_s)
        if shown is None:
            return None
        rng = np.random.default_rng(round(t_s * 1000))
        noisy = shown + rng.normal(0, self.noise, shown.shape)
        return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _nothing(wide: Picture, _t_s: float) -> Picture:
    return view(wide)


def watch(camera: Camera, fps: float, until_s: float = END_S) -> list[tuple[float, Told]]:
    """Return what is told and when, in seconds; without a frame the health is asked each second,
    as the worker does.
    """
    health, said, newest_s = Health(), [], 0.0

    def wait(to_s: float) -> None:
        asked_s = newest_s + 1.0
        while asked_s < to_s:
            said.append((asked_s, health.silence(START_US + round(asked_s * 1e6))))
            asked_s += 1.0

    for frame, grey in camera.pictures(fps, until_s):
        at_s = (frame.captured_at_us - START_US) / 1e6
        wait(at_s)
        said.append((at_s, health.look(frame, grey)))
        newest_s = at_s
    wait(until_s)
    return [(at_s, told) for at_s, told in said if told is not None]
