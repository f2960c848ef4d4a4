"""Stage 2: the empty scene as mean and variance of every pixel, and what differs from it.

Time constants are in seconds of capture time, so the model is the same at 1 and at 15 frames a
second. A change of the light as a whole is explained first, as gain and offset; only what it
cannot explain is foreground. Under `frozen` pixels (somebody stands there) the model follows the
light and learns nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.decode import Grey

Mask = npt.NDArray[np.uint8]  # 0 or 255
Plane = npt.NDArray[np.float32]

WARM_UP_S = 2.5  # of capture time; before it nothing is foreground
_TAU_S = 20.0  # empty pixels
_TAU_FOREGROUND_S = 60.0  # differing pixels that no track claims
_SIGMAS = 4.0
_FLOOR = 13.0  # grey levels; docs/detection.md has the measurement
_FIRST_VARIANCE = 9.0
_MAX_VARIANCE = np.float32(30.0**2)
_MAX_STEP_S = 2.0  # one frame never teaches more than this, whatever gap came before it
_SAMPLE = 4  # the light is fitted on every fourth pixel of every fourth row
_FIT_ROUNDS = 2
_MIN_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class Light:
    """Gain and offset that take the model's mean to the light of this frame."""

    gain: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A frame against the model: `mask` is 255 where it differs, `expected` the empty scene in
    this frame's light, `squared` the squared difference.
    """

    mask: Mask
    expected: Plane
    squared: Plane
    picture: Plane


class Background:
    """The empty scene of one camera in one mode (day or infrared), (h, w) float32."""

    def __init__(self, first: Grey) -> None:
        self.mean: Plane = first.astype(np.float32)
        self._variance: Plane = np.full(first.shape, _FIRST_VARIANCE, np.float32)
        self._limit: Plane = np.empty_like(self._variance)
        self._set_limit()
        self.age_s = 0.0

    @property
    def warm(self) -> bool:
        return self.age_s >= WARM_UP_S

    def subtract(self, grey: Grey, frozen: Mask | None = None) -> Difference:
        """Compare a frame; the model is unchanged."""
        picture = grey.astype(np.float32)
        light = fit_light(picture, self.mean, frozen)
        expected = self.mean * np.float32(light.gain) + np.float32(light.offset)
        squared = cv2.subtract(picture, expected)
        cv2.multiply(squared, squared, dst=squared)
        mask = cv2.compare(squared, self._limit, cv2.CMP_GT)
        return Difference(mask, expected, squared, picture)  # type: ignore[arg-type]

    def learn(self, seen: Difference, step_s: float, frozen: Mask | None = None) -> None:
        """Move towards what was seen, as far as `step_s` seconds since the last frame allow."""
        step_s = min(step_s, _MAX_STEP_S)
        if step_s <= 0.0:
            return
        # a true average until the model is as old as its time constant
        rate = max(1.0 - float(np.exp(-step_s / _TAU_S)), step_s / (self.age_s + step_s))
        self.age_s += step_s
        empty = frozen is None and not cv2.countNonZero(seen.mask)
        if empty or not self.warm:
            self._accumulate(seen, rate, None)
        else:
            taken = seen.mask if frozen is None else cv2.bitwise_or(seen.mask, frozen)
            self._accumulate(seen, rate, cv2.bitwise_not(taken))  # type: ignore[arg-type]
            slow = rate * _TAU_S / _TAU_FOREGROUND_S
            strange = seen.mask if frozen is None else cv2.subtract(seen.mask, frozen)
            self._accumulate(seen, slow, strange)  # type: ignore[arg-type]
            if frozen is not None:
                cv2.accumulateWeighted(seen.expected, self.mean, rate, mask=frozen)
        self._set_limit()

    def adopt(self, seen: Difference, where: Mask) -> None:
        """Take the frame as the empty scene at once where `where` is set."""
        cv2.copyTo(seen.picture, where, self.mean)
        cv2.copyTo(np.full_like(self._variance, _FIRST_VARIANCE), where, self._variance)
        cv2.copyTo(seen.expected, cv2.bitwise_not(where), self.mean)
        self._set_limit()

    def _accumulate(self, seen: Difference, rate: float, where: Mask | None) -> None:
        cv2.accumulateWeighted(seen.picture, self.mean, rate, mask=where)
        bounded = np.minimum(seen.squared, _MAX_VARIANCE)
        cv2.accumulateWeighted(bounded, self._variance, rate, mask=where)

    def _set_limit(self) -> None:
        np.multiply(self._variance, _SIGMAS**2, out=self._limit)
        np.maximum(self._limit, _FLOOR**2, out=self._limit)


def fit_light(picture: Plane, mean: Plane, frozen: Mask | None = None) -> Light:
    """Fit `picture = gain * mean + offset` by trimmed least squares on a sample of the pixels.

    Two rounds, each on the samples near the last fit, so that people (outliers) do not pull it.
    """
    x = mean[1::_SAMPLE, 1::_SAMPLE].ravel()
    y = picture[1::_SAMPLE, 1::_SAMPLE].ravel()
    if frozen is not None:
        free = frozen[1::_SAMPLE, 1::_SAMPLE].ravel() == 0
        if np.count_nonzero(free) >= _MIN_SAMPLES:
            x, y = x[free], y[free]
    away = y - x
    middle = float(np.median(away))
    gain, offset = 1.0, middle
    for _ in range(_FIT_ROUNDS):
        away = np.abs(y - gain * x - offset)
        keep = away <= max(4.0, 2.5 * float(np.median(away)))
        xs, ys = x[keep], y[keep]
        if xs.size < _MIN_SAMPLES:
            break
        mean_x, mean_y = float(xs.mean()), float(ys.mean())
        centred = xs - mean_x
        spread = float(centred @ centred)
        if spread < xs.size * 4.0:  # a flat scene has no contrast to read a gain from
            gain, offset = 1.0, mean_y - mean_x
            continue
        gain = float(np.clip(float(centred @ (ys - mean_y)) / spread, 0.3, 3.0))
        offset = mean_y - gain * mean_x
    return Light(gain, offset)
