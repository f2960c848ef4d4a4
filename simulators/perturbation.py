"""What can befall a camera's picture besides people: twelve perturbations of any video.

Each is a function of the picture, the time and the seed, so that a run can be had again to the
bit. Lengths are fractions of the picture, levels are grey levels of 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ConfigurationError
from simulators.source import Image

Floats = npt.NDArray[np.float32]
Shares = npt.NDArray[np.floating]

NOISE_SIGMA = 8.0
GAIN_SWING = 0.35
GAIN_PERIOD_S = 40.0
FLICKER = 0.12
SHAKE = 4 / 1080  # of the height: ±4 px of Full HD
LIGHT_EVERY_S = 13.0
LIGHT_DIMMED = 0.45
LAMP_EVERY_S = 13.0
HEADLIGHTS_EVERY_S = 20.0
HEADLIGHTS_SWEEP_S = 4.0
INFRARED_EVERY_S = 25.0
SHADOW_PERIOD_S = 60.0


class Perturbation:
    """One of `NAMES`, seeded. Raises `ConfigurationError` for another name."""

    def __init__(self, name: str, seed: int = 1) -> None:
        if name not in _APPLY:
            raise ConfigurationError(f"no perturbation {name!r}; there are {', '.join(NAMES)}")
        self.name = name
        self.seed = seed
        self.phase = float(np.random.default_rng(seed).uniform(0.0, 1.0))

    def apply(self, image: Image, t_s: float) -> Image:
        """Return the picture, (h, w, 3), as the camera gives it `t_s` seconds after the start."""
        return _APPLY[self.name](image, t_s, self)

    def infrared(self, t_s: float) -> bool:
        """Whether the camera is in infrared mode."""
        return self.name == "infrared" and _switched(t_s, INFRARED_EVERY_S, self.phase)

    def rng(self, t_s: float) -> np.random.Generator:
        """Return the chance of this moment."""
        return np.random.default_rng((self.seed, round(t_s * 1000)))


def _switched(t_s: float, every_s: float, phase: float) -> bool:
    """Off first, then on and off in turn, each for `every_s`."""
    return int(t_s / every_s + phase) % 2 == 1


def _levels(image: Image | Floats, gain: float, offset: float = 0.0) -> Image:
    scaled = image.astype(np.float32) * np.float32(gain) + np.float32(offset)
    return cast("Image", np.clip(scaled + 0.5, 0, 255).astype(np.uint8))


def _none(image: Image, _t_s: float, _by: Perturbation) -> Image:
    return image


def _noise(image: Image, t_s: float, by: Perturbation) -> Image:
    noise = np.zeros(image.shape, np.int16)
    cv2.setRNGSeed(int(by.rng(t_s).integers(1 << 31)))
    # a number alone would be for the first channel only
    cv2.randn(noise, np.zeros(3), np.full(3, NOISE_SIGMA))
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def _gain_ramp(image: Image, t_s: float, by: Perturbation) -> Image:
    return _levels(
        image, 1.0 + GAIN_SWING * math.sin(2 * math.pi * (t_s / GAIN_PERIOD_S + by.phase))
    )


def _flicker(image: Image, t_s: float, by: Perturbation) -> Image:
    """Lamps on mains beat with the shutter: every frame has another level."""
    return _levels(image, 1.0 + float(by.rng(t_s).uniform(-FLICKER, FLICKER)))


def _shake(image: Image, t_s: float, by: Perturbation) -> Image:
    reach = SHAKE * image.shape[0]
    right, down = by.rng(t_s).uniform(-reach, reach, 2)
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, move, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _headlights(image: Image, t_s: float, by: Perturbation) -> Image:
    """A bright patch sweeps across, from a car that turns in the street."""
    part = ((t_s + by.phase * HEADLIGHTS_EVERY_S) % HEADLIGHTS_EVERY_S) / HEADLIGHTS_SWEEP_S
    if part >= 1.0:
        return image
    rows, columns = _grid(image)
    at = -0.2 + 1.4 * part
    glow = np.exp(-(((columns - at) / 0.12) ** 2 + ((rows - 0.45) / 0.3) ** 2))
    return _lit(image, 1.2 * glow, 30.0 * glow)


def _light_switch(image: Image, t_s: float, by: Perturbation) -> Image:
    return _levels(image, LIGHT_DIMMED) if _switched(t_s, LIGHT_EVERY_S, by.phase) else image


def _local_lamp(image: Image, t_s: float, by: Perturbation) -> Image:
    if not _switched(t_s, LAMP_EVERY_S, by.phase):
        return image
    rows, columns = _grid(image)
    x, y = 0.15 + 0.7 * by.phase, 0.2
    glow = np.exp(-(((columns - x) / 0.22) ** 2 + ((rows - y) / 0.35) ** 2))
    return _lit(image, 0.8 * glow, 15.0 * glow)


def _infrared(image: Image, t_s: float, by: Perturbation) -> Image:
    """The filter swings away: grey, other tones, bright in the middle, dark at the rim."""
    if not by.infrared(t_s):
        return image
    blue, green, red = cv2.split(image)
    grey = 0.15 * blue.astype(np.float32) + 0.25 * green + 0.6 * red
    rows, columns = _grid(image)
    lamp = 1.15 - 0.9 * ((columns - 0.5) ** 2 + (rows - 0.5) ** 2)
    toned = _levels(grey * lamp.astype(np.float32), 0.8, 18.0)
    return np.asarray(cv2.merge([toned] * 3), np.uint8)


def _hard_shadow(image: Image, t_s: float, by: Perturbation) -> Image:
    """The shadow of a wall with a hard edge goes to and fro across the picture within a minute."""
    at = 0.5 - 0.45 * math.cos(2 * math.pi * (t_s / SHADOW_PERIOD_S + by.phase))
    rows, columns = _grid(image)
    edge = np.clip((columns + 0.25 * rows - at) / 0.01, 0.0, 1.0)
    return _lit(image, -0.4 * (1.0 - edge), np.zeros_like(edge))


def _rain(image: Image, t_s: float, by: Perturbation) -> Image:
    rng = by.rng(t_s)
    height, width = image.shape[:2]
    layer = np.zeros(image.shape[:2], np.uint8)
    for _ in range(160):
        x, y = rng.uniform(0, width), rng.uniform(-0.1, 1.0) * height
        length = rng.uniform(0.03, 0.1) * height
        cv2.line(
            layer,
            (round(x), round(y)),
            (round(x + 0.1 * length), round(y + length)),
            float(rng.uniform(20, 70)),
            max(1, round(height / 500)),
            cv2.LINE_AA,
        )
    return np.asarray(cv2.add(image, cv2.merge([layer] * 3)), np.uint8)


def _insect(image: Image, t_s: float, by: Perturbation) -> Image:
    """A moth near the lens: bright, blurred, large, never still, here half of the time."""
    if int(t_s / 6.0 + by.phase) % 2 == 0:
        return image
    height, width = image.shape[:2]
    phase = 2 * math.pi * by.phase
    x = 0.5 + 0.36 * math.sin(2.1 * t_s + phase) + 0.12 * math.sin(7.3 * t_s)
    y = 0.45 + 0.3 * math.sin(2.9 * t_s + 2 * phase) + 0.1 * math.sin(8.9 * t_s)
    layer = np.zeros((height, width), np.uint8)
    axes = (max(2, round(0.05 * height)), max(2, round(0.03 * height)))
    angle = float(360.0 * ((1.7 * t_s) % 1.0))
    cv2.ellipse(layer, (round(x * width), round(y * height)), axes, angle, 0, 360, 170, -1)
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.02 * height), np.uint8)
    return np.asarray(cv2.add(image, cv2.merge([layer] * 3)), np.uint8)


def _grid(image: Image) -> tuple[Floats, Floats]:
    """Return rows (h, 1) and columns (1, w) as fractions."""
    rows = np.linspace(0, 1, image.shape[0], dtype=np.float32)[:, None]
    return rows, np.linspace(0, 1, image.shape[1], dtype=np.float32)[None, :]


def _lit(image: Image, gain: Shares, offset: Shares) -> Image:
    """Return the picture in more (or less) light: surfaces keep their texture."""
    gained = image.astype(np.float32) * (1.0 + gain.astype(np.float32))[:, :, None]
    gained += offset.astype(np.float32)[:, :, None] + 0.5
    return cast("Image", np.clip(gained, 0, 255).astype(np.uint8))


_APPLY: dict[str, Callable[[Image, float, Perturbation], Image]] = {
    "none": _none,
    "noise": _noise,
    "gain_ramp": _gain_ramp,
    "flicker": _flicker,
    "shake": _shake,
    "headlights": _headlights,
    "light_switch": _light_switch,
    "local_lamp": _local_lamp,
    "infrared": _infrared,
    "hard_shadow": _hard_shadow,
    "rain": _rain,
    "insect": _insect,
}
NAMES = tuple(_APPLY)
