"""Light and weather before a rendered door: day, night, infrared; lamps, headlights, shadows,
clouds, rain, insects, wind. Each is a function of the time, drawn by chance once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from simulators.places import HEIGHT_PX, WIDTH_PX, Place
from simulators.source import Image

Floats = npt.NDArray[np.float32]

_ROWS, _COLUMNS = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
_EXPOSURE_LAG_S = 1.2  # a camera's own control follows the light this slowly
_EXPOSURE_SHARE = 0.6  # and takes out this much of it, in powers of the level
_RISE_S = 0.15  # a lamp's


class Light(StrEnum):
    """What the camera sees by. In infrared the picture is grey and lit from the camera."""

    DAY = "day"
    NIGHT = "night"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True)
class Span:
    """When something goes on, in seconds."""

    start_s: float
    end_s: float

    def part(self, t_s: float, rise_s: float = _RISE_S) -> float:
        """Return 0 outside, 1 inside, in between while it begins and ends."""
        inside = min(t_s - self.start_s, self.end_s - t_s)
        return min(max(inside / rise_s, 0.0), 1.0)


class Climate:
    """Light and weather of one run. `happenings` are the names of `HAPPENINGS` that befall it,
    each with its span.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        place: Place,
        light: Light,
        happenings: dict[str, list[Span]],
    ) -> None:
        self._light = light
        self._happenings = happenings
        self._seed = int(rng.integers(1 << 31))
        self._sigma = {Light.DAY: 1.3, Light.NIGHT: 3.2, Light.INFRARED: 2.4}[light]
        self._sigma *= float(rng.uniform(0.7, 1.3))
        self._noise = _noise_tile(rng, self._sigma)
        self._phase = rng.uniform(0, 2 * math.pi, 6)
        self._plant = place.plant
        self._lamp = _glow(place.lamp, (rng.uniform(70, 130), rng.uniform(60, 110)))
        self._lamp_gain = float(rng.uniform(0.5, 1.4))
        self._ambient = {Light.DAY: 1.0, Light.NIGHT: 0.36, Light.INFRARED: 0.62}[light]
        self._tint = np.array(rng.uniform(0.9, 1.1, 3), np.float32)
        self._beam_row = float(rng.uniform(0.3, 0.55)) * HEIGHT_PX
        self._insect_px = float(rng.uniform(5, 13))
        self._rim = 1.2 - 0.75 * (
            ((_COLUMNS - WIDTH_PX / 2) / WIDTH_PX) ** 2 * 2
            + ((_ROWS - HEIGHT_PX / 2) / HEIGHT_PX) ** 2 * 1.5
        )

    def infrared(self, t_s: float) -> bool:
        """Whether the camera's filter is away."""
        by_day = self._light is not Light.INFRARED
        return by_day == bool(self._amount("infrared_switch", t_s, 1e-6) > 0)

    def sway(self, picture: Image, t_s: float) -> None:
        """Move the plant in the wind, in place."""
        wind = self._amount("wind", t_s, 2.0)
        if wind <= 0:
            return
        x, y, w, h = self._plant
        if w < 8 or h < 8:
            return
        area = picture[y : y + h, x : x + w]
        rows = np.linspace(1.0, 0.0, h, dtype=np.float32)[:, None]  # tips move, the foot does not
        edge = np.minimum(np.arange(w), np.arange(w)[::-1]).astype(np.float32)[None, :]
        gust = math.sin(2.1 * t_s + self._phase[0]) + 0.6 * math.sin(5.3 * t_s + self._phase[1])
        shift = 3.2 * wind * gust * rows * np.minimum(edge / 8.0, 1.0)
        ripple = np.sin(_COLUMNS[:h, :w] / 9 + 4.0 * t_s).astype(np.float32) * rows * wind
        ripple *= np.minimum(edge / 8.0, 1.0)
        moved = cv2.remap(
            area.copy(),
            _COLUMNS[:h, :w] + shift.astype(np.float32),
            _ROWS[:h, :w] + ripple.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        area[:] = moved

    def expose(self, picture: Image, t_s: float) -> Image:
        """Return the picture in the light of the moment, as the camera's exposure makes it."""
        gain = np.full((HEIGHT_PX, WIDTH_PX), self._level(t_s) * self._exposure(t_s), np.float32)
        share = gain[0, 0] / self._level(t_s)
        lamp = self._amount("lamp", t_s)
        if lamp > 0:
            gain += share * self._lamp_gain * lamp * self._lamp
        gain += share * self._beams(t_s)
        gain *= self._shadows(t_s)
        if self.infrared(t_s):
            gain *= self._rim
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
            lit = cv2.merge([grey * gain * np.float32(1.1) + np.float32(8)] * 3)
        else:
            lit = picture.astype(np.float32) * gain[:, :, None] * self._tint
        return np.asarray(np.clip(lit, 0, 255), np.uint8)

    def weather(self, picture: Image, t_s: float) -> Image:
        """Return it with rain and insects before it and the sensor's noise on it."""
        rng = np.random.default_rng((self._seed, round(t_s * 1000)))
        rain = self._amount("rain", t_s, 3.0)
        if rain > 0:
            picture = _rain(picture, rng, rain)
        if self._amount("insects", t_s, 0.01) > 0:
            picture = self._insect(picture, t_s)
        down, right = rng.integers(0, 64, 2)
        noise = self._noise[down : down + HEIGHT_PX, right : right + WIDTH_PX]
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)

    def _amount(self, name: str, t_s: float, rise_s: float = _RISE_S) -> float:
        spans = self._happenings.get(name, ())
        return max((span.part(t_s, rise_s) for span in spans), default=0.0)

    def _level(self, t_s: float) -> float:
        """Return the light as a whole: clouds, the hum of lamps."""
        clouds = self._amount("clouds", t_s, 6.0)
        cloud = 1.0 - 0.35 * clouds * (0.5 + 0.5 * math.sin(t_s / 5.0 + self._phase[2]))
        return self._ambient * cloud * (1.0 + 0.012 * math.sin(t_s / 3.1 + self._phase[3]))

    def _exposure(self, t_s: float) -> float:
        """What the camera's control makes of the light of the last second."""
        before = [t_s - _EXPOSURE_LAG_S * part for part in (0.25, 0.5, 0.75, 1.0)]
        level = 0.0
        for at_s in before:
            lamp = 0.15 * self._lamp_gain * self._amount("lamp", at_s)
            beam = 0.12 * self._amount("headlights", at_s)
            level += (self._level(at_s) + lamp + beam) / len(before)
        return float((0.8 / max(level, 0.05)) ** _EXPOSURE_SHARE)

    def _beams(self, t_s: float) -> Floats | float:
        """Headlights that sweep across within their span."""
        for span in self._happenings.get("headlights", ()):
            if span.start_s <= t_s < span.end_s:
                part = (t_s - span.start_s) / (span.end_s - span.start_s)
                at = (-0.2 + 1.4 * part) * WIDTH_PX
                return 1.3 * _glow((at, self._beam_row), (60.0, 75.0))
        return 0.0

    def _shadows(self, t_s: float) -> Floats | float:
        """A tall soft shadow that wanders over the walls, of somebody or a tree out of view."""
        for span in self._happenings.get("shadow", ()):
            if span.start_s <= t_s < span.end_s:
                part = (t_s - span.start_s) / (span.end_s - span.start_s)
                at = (-0.2 + 1.4 * part + 0.03 * math.sin(1.3 * t_s)) * WIDTH_PX
                body = ((_COLUMNS - at) / 34) ** 4 + ((_ROWS - 0.4 * HEIGHT_PX) / 95) ** 4
                return np.asarray(1.0 - 0.38 * np.exp(-body), np.float32)
        return 1.0

    def _insect(self, picture: Image, t_s: float) -> Image:
        """A moth near the lens, a blurred spot that is never still."""
        p = self._phase
        x = 0.5 + 0.4 * math.sin(1.9 * t_s + p[4]) + 0.15 * math.sin(7.7 * t_s + p[5])
        y = 0.45 + 0.32 * math.sin(2.7 * t_s + p[5]) + 0.12 * math.sin(9.1 * t_s + p[4])
        layer = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
        axes = (round(1.5 * self._insect_px), round(self._insect_px))
        bright = 190 if self.infrared(t_s) else 90
        spot = (round(x * WIDTH_PX), round(y * HEIGHT_PX))
        cv2.ellipse(layer, spot, axes, (500 * t_s) % 360, 0, 360, bright, -1, cv2.LINE_AA)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.35 * self._insect_px), np.uint8)
        return np.asarray(cv2.add(picture, cv2.merge([layer] * 3)), np.uint8)


# weather stays outside; a corridor has lamps, doors and windows for the rest
OUTDOORS = ("rain",)
HAPPENINGS = (
    "wind",
    "rain",
    "insects",
    "headlights",
    "lamp",
    "shadow",
    "clouds",
    "infrared_switch",
)


def happen(name: str, rng: np.random.Generator, from_s: float, to_s: float) -> list[Span]:
    """Return when `name` goes on between two times: once and long, or again and again."""
    if name in ("wind", "rain", "clouds"):
        start_s = float(rng.uniform(from_s, from_s + 10.0))
        return [Span(start_s, float(rng.uniform(start_s + 25.0, max(to_s, start_s + 26.0))))]
    if name == "infrared_switch":
        start_s = float(rng.uniform(from_s, (from_s + to_s) / 2))
        return [Span(start_s, start_s + float(rng.uniform(15.0, 40.0)))]
    lasts_s = {"headlights": (1.5, 5.0), "lamp": (4.0, 20.0), "insects": (4.0, 18.0)}
    low_s, high_s = lasts_s.get(name, (8.0, 25.0))
    spans: list[Span] = []
    at_s = float(rng.uniform(from_s, from_s + 8.0))
    while at_s < to_s:
        end_s = at_s + float(rng.uniform(low_s, high_s))
        spans.append(Span(at_s, end_s))
        at_s = end_s + float(rng.uniform(4.0, 15.0))
    return spans


def _glow(at: tuple[float, float], reach: tuple[float, float]) -> Floats:
    away = ((_COLUMNS - at[0]) / reach[0]) ** 2 + ((_ROWS - at[1]) / reach[1]) ** 2
    return np.asarray(cv2.exp(-away), np.float32)


def _noise_tile(rng: np.random.Generator, sigma: float) -> npt.NDArray[np.int16]:
    """Noise with the grain that a camera's own smoothing leaves."""
    raw = rng.normal(0, 1.0, (HEIGHT_PX + 64, WIDTH_PX + 64, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(raw, (0, 0), 0.6)
    return np.asarray(np.round(soft * (sigma / float(soft.std()))), np.int16)


def _rain(picture: Image, rng: np.random.Generator, amount: float) -> Image:
    layer = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    count = round(90 * amount)
    where = rng.uniform((0.0, -20.0), (WIDTH_PX, HEIGHT_PX), (count, 2))
    lengths, bright = rng.uniform(8, 30, count), rng.uniform(15, 65, count)
    for (x, y), length, level in zip(where, lengths, bright, strict=True):
        end = (round(x + 0.12 * length), round(y + length))
        cv2.line(layer, (round(x), round(y)), end, float(level), 1, cv2.LINE_AA)
    return np.asarray(cv2.add(picture, cv2.merge([layer] * 3)), np.uint8)
