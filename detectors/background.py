"""Stage 2: the empty scene as mean and variance of every pixel, and what differs from it.

Time constants are in seconds of capture time, so the model is the same at 1 and at 15 frames a
second. The first model is the median of the first pictures, so who walks by is not in it. A
change of the light as a whole is explained first, as gain and offset; only what it cannot
explain is foreground. Under `frozen` pixels (somebody stands there) the model follows the
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
_FLOOR_DARK = 5.0  # where the scene is black; contrasts shrink with the light
_FLOOR_SHARE = 0.06  # of the scene's level
_FLOORS = np.minimum(_FLOOR_DARK + _FLOOR_SHARE * np.arange(256), _FLOOR).astype(np.float32) ** 2
_FIRST_VARIANCE = 9.0
_MAX_VARIANCE = np.float32(12.0**2)
_MAX_STEP_S = 2.0  # one frame never teaches more than this, whatever gap came before it
_SAMPLE = 4  # the light is fitted on every fourth pixel of every fourth row
_FIT_ROUNDS = 2
_MIN_SAMPLES = 64
_READABLE = (4.0, 250.0)  # grey levels; clipped black and white, bars beside a film say nothing
_TOLD = 0.05  # of the samples: fewer readable ones are not better than all
_EARLY_EVERY_S = 0.2  # between the pictures of the first median, at least
_AROUND = 0.05  # weight of the whole picture beside what is near
_NEAR = 8.0  # grey levels: explained by a light
_MOST = 0.6  # of the samples


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
    gain: float = 1.0


class Background:
    """The empty scene of one camera in one mode (day or infrared), (h, w) float32."""

    def __init__(self, first: Grey) -> None:
        self.mean: Plane = first.astype(np.float32)
        self._variance: Plane = np.full(first.shape, _FIRST_VARIANCE, np.float32)
        self._limit: Plane = np.empty_like(self._variance)
        self._set_limit()
        self.age_s = 0.0
        self._early: list[Plane] = [self.mean]
        self._early_s = 0.0
        self._light = Light()

    @property
    def limit(self) -> Plane:
        """The squared difference that noise alone may reach, (h, w) in grey levels²."""
        return self._limit

    @property
    def warm(self) -> bool:
        return self.age_s >= WARM_UP_S

    def subtract(self, grey: Grey, frozen: Mask | None = None) -> Difference:
        """Compare a frame; of the model only the light is remembered, to start from."""
        picture = grey.astype(np.float32)
        light = self._light = fit_light(picture, self.mean, frozen, self._light)
        expected = self.mean * np.float32(light.gain) + np.float32(light.offset)
        if light != Light():  # a camera shows nothing blacker or whiter
            np.clip(expected, 0.0, 255.0, out=expected)
        squared = cv2.subtract(picture, expected)
        cv2.multiply(squared, squared, dst=squared)
        mask = cv2.compare(squared, self._limit, cv2.CMP_GT)
        return Difference(mask, expected, squared, picture, light.gain)  # type: ignore[arg-type]

    def learn(
        self,
        seen: Difference,
        step_s: float,
        frozen: Mask | None = None,
    ) -> None:
        """Move towards what was seen, as far as `step_s` seconds since the last frame allow.

        Under `frozen` only the light is learnt.
        """
        step_s = min(step_s, _MAX_STEP_S)
        if step_s <= 0.0:
            return
        # a true average until the model is as old as its time constant
        rate = max(1.0 - float(np.exp(-step_s / _TAU_S)), step_s / (self.age_s + step_s))
        learning = not self.warm
        self.age_s += step_s
        if learning:
            self._begin(seen, step_s, frozen)
            return
        strange: Mask | None = None
        if cv2.countNonZero(seen.mask):
            strange = seen.mask
        if frozen is None and strange is None:
            self._accumulate(seen, rate, None)
        else:
            slow = 1.0 - float(np.exp(-step_s / _TAU_FOREGROUND_S))
            taken = seen.mask
            if frozen is not None:
                taken = _as_mask(cv2.bitwise_or(taken, frozen))
            self._accumulate(seen, rate, _as_mask(cv2.bitwise_not(taken)))
            if strange is not None:
                unclaimed = strange if frozen is None else cv2.subtract(strange, frozen)
                self._accumulate(seen, slow, _as_mask(unclaimed))
            if frozen is not None:
                cv2.accumulateWeighted(seen.expected, self.mean, rate, mask=frozen)
        self._set_limit()

    def keep(self, other: Background, picture: Grey, where: Mask) -> None:
        """Believe another model where somebody stands in the picture this one began with.

        Its levels are taken to this picture's by the ratio of the two around that place: an
        infrared lamp does not shine evenly.
        """
        free = (where == 0).astype(np.float32)
        window = (max(picture.shape) // 3,) * 2
        bare = picture.astype(np.float32) * free
        now = cv2.blur(bare, window) + np.float32(_AROUND) * bare.mean()
        bare = other.mean * free
        then = cv2.blur(bare, window) + np.float32(_AROUND) * bare.mean()
        kept: Plane = other.mean * (now / np.maximum(then, np.float32(0.1)))
        cv2.copyTo(kept, where, self.mean)
        self._set_limit()

    def adopt(self, seen: Difference, where: Mask) -> None:
        """Take the frame as the empty scene at once where `where` is set, in the model's light."""
        step = cv2.subtract(seen.picture, seen.expected)
        cv2.scaleAdd(step, 1.0 / seen.gain, self.mean, dst=step)
        cv2.copyTo(step, where, self.mean)
        self._variance[where > 0] = _FIRST_VARIANCE
        self._set_limit()

    def _begin(self, seen: Difference, step_s: float, frozen: Mask | None) -> None:
        """Gather the first pictures, in one light; when there are enough, believe their median."""
        self._early_s += step_s
        if self._early_s >= _EARLY_EVERY_S or self.warm:
            self._early_s = 0.0
            step = cv2.subtract(seen.picture, seen.expected)
            cv2.scaleAdd(step, 1.0 / seen.gain, self.mean, dst=step)
            self._early.append(np.asarray(step, np.float32))
        if not self.warm:
            return
        pictures = np.stack(self._early)
        self._early = []
        middle: Plane = np.median(pictures, axis=0).astype(np.float32)
        off = np.minimum((pictures - middle) ** 2, np.float32(4.0 * _FIRST_VARIANCE)).sum(axis=0)
        self._variance[:] = (_FIRST_VARIANCE + off) / np.float32(1 + len(pictures))
        if frozen is None:
            self.mean = middle
        else:
            cv2.copyTo(middle, _as_mask(cv2.bitwise_not(frozen)), self.mean)
        self._set_limit()

    def _accumulate(self, seen: Difference, rate: float, where: Mask | None) -> None:
        cv2.accumulateWeighted(seen.picture, self.mean, rate, mask=where)
        bounded = np.minimum(seen.squared, self._variance * np.float32(4.0) + np.float32(4.0))
        np.minimum(bounded, _MAX_VARIANCE, out=bounded)
        cv2.accumulateWeighted(bounded, self._variance, rate, mask=where)

    def _set_limit(self) -> None:
        np.multiply(self._variance, _SIGMAS**2, out=self._limit)
        floor = cv2.LUT(cv2.convertScaleAbs(self.mean), _FLOORS)
        cv2.max(self._limit, floor, dst=self._limit)


def _as_mask(mask: cv2.typing.MatLike) -> Mask:
    return np.asarray(mask, np.uint8)


def fit_light(
    picture: Plane, mean: Plane, frozen: Mask | None = None, before: Light | None = None
) -> Light:
    """Fit `picture = gain * mean + offset` by trimmed least squares on a sample of the pixels.

    The light of the picture `before` holds where it explains most of this one. Else there are
    two starts, the light as it was learnt and the median step; the one that explains more pixels
    is refined on those near it, so that neither people nor a shadow over part of the picture
    (outliers) pull it.
    """
    x = mean[1::_SAMPLE, 1::_SAMPLE].ravel()
    y = picture[1::_SAMPLE, 1::_SAMPLE].ravel()
    if frozen is not None:
        free = frozen[1::_SAMPLE, 1::_SAMPLE].ravel() == 0
        if np.count_nonzero(free) >= _MIN_SAMPLES:
            x, y = x[free], y[free]
    least, most = _READABLE
    told = (np.minimum(x, y) > least) & (np.maximum(x, y) < most)
    if np.count_nonzero(told) >= max(_MIN_SAMPLES, _TOLD * x.size):
        x, y = x[told], y[told]
    for start in (Light(), before):
        if start is not None:
            near = _is_near(x, y, start)
            if np.count_nonzero(near) >= _MOST * x.size:
                return _fit(x[near], y[near]) or start
    step = y - x
    near = np.abs(step) <= _NEAR
    middle = float(np.median(step))
    away = np.abs(step - middle)
    starts = (near, away <= max(4.0, 2.5 * float(np.median(away))))
    lights = [_refine(x, y, keep, Light(1.0, middle)) for keep in starts]
    return max(lights, key=lambda light: np.count_nonzero(_is_near(x, y, light)))


def _is_near(x: Plane, y: Plane, light: Light) -> npt.NDArray[np.bool_]:
    off = y - np.float32(light.gain) * x
    off -= np.float32(light.offset)
    return np.abs(off, out=off) <= np.float32(_NEAR)


def _refine(x: Plane, y: Plane, keep: npt.NDArray[np.bool_], light: Light) -> Light:
    for _ in range(_FIT_ROUNDS):
        fitted = _fit(x[keep], y[keep])
        if fitted is None:
            break
        light = fitted
        away = np.abs(y - light.gain * x - light.offset)
        keep = away <= max(4.0, 2.5 * float(np.median(away)))
    return light


def _fit(x: Plane, y: Plane) -> Light | None:
    """Return the least squares fit, None for too few samples."""
    if x.size < _MIN_SAMPLES:
        return None
    mean_x, mean_y = float(x.mean()), float(y.mean())
    centred = x - mean_x
    spread = float(centred @ centred)
    if spread < x.size * 4.0:  # a flat scene has no contrast to read a gain from
        return Light(1.0, mean_y - mean_x)
    gain = float(np.clip(float(centred @ (y - mean_y)) / spread, 0.3, 3.0))
    return Light(gain, mean_y - gain * mean_x)
