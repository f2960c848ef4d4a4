"""Camera health, measures: one picture against what the camera sees when it is well. Pure.

Everything is compared by structure, not by level: light changes levels and leaves edges where they
are. A picture is looked at on two scales: `COARSE` cells, which blur and noise leave alone, and the
gradients of single pixels, summed over `CELLS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.background import Plane
from detectors.decode import Grey

COARSE = (32, 18)  # columns, rows
CELLS = (16, 9)
_GLARE = 40.0  # grey levels: a lamp in the picture must not outweigh the rest of it
_BRIGHT = 90  # per cent: the level of the lit part of a picture
_QUIET_SHARE = 25  # per cent of the cells, whose change over time is noise and no movement
_NOISIER = 4.0  # times the usual noise: somebody who fills the picture is no noise
_PLAIN = np.float32(4.0)  # squared gradient, grey levels²: cells with less have nothing to lose
_KEPT = np.float32(0.35)  # of the gradient that the light lets expect
_SIGMAS = np.float32(3.0)
_LIVELY = 4.0  # times the noise's squared gradient
_BLACK = np.float32(8.0)  # grey levels added to both sides of a ratio: dark is noise
_OWN = np.float32(0.15)  # of the scene's usual squared gradient
_LEAST_LIGHT = np.float32(0.3)
_DARKENED, _UNCHANGED = 0.4, 0.15  # of the level a cell had: what is left, what is changed
_PART = 0.15  # of the cells
_LEAST_CELLS = 8
_LEAST_LIKENESS = 0.5  # of the edges, after the shift that is to explain them

Cells = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gradient:
    """Central differences, (h, w) float32 in grey levels over 2 px."""

    across: Plane
    down: Plane


@dataclass(frozen=True, slots=True)
class Reference:
    """What the camera sees when it is well: `mean`, (h, w) float32; `coarse`, the levels of its
    cells; `detail`, the squared gradient of single pictures by cell, and `noise`, that of the
    sensor alone.
    """

    mean: Plane
    coarse: Cells
    detail: Cells
    noise: float
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Glance:
    """The cheap look, at every picture. `structure` is the contrast between neighbouring coarse
    cells in grey levels, `likeness` its correlation (-1 to 1) with the reference's, `contrast` its
    gain.
    """

    cells: Cells
    structure: float
    likeness: float = 1.0
    contrast: float = 1.0

    @property
    def level(self) -> float:
        """Of the lit part of the picture, in grey levels."""
        return float(np.percentile(self.cells, _BRIGHT))


@dataclass(frozen=True, slots=True)
class Look:
    """The close look. `sharpness` is the gradient there is, of what the coarse contrast lets
    expect; `lost` the share of the cells whose structure is gone, None where too few can be judged;
    `own` and `lively` the shares of the lost ones with structure in its place, and in motion.
    `sliding` says that part of the picture is dark and the rest as it was: something comes before
    the lens.
    """

    sharpness: float
    lost: float | None
    own: float
    lively: float
    sliding: bool


def glance(grey: Grey, reference: Reference | None) -> Glance:
    """Take the cheap look."""
    cells = np.asarray(cv2.resize(grey, COARSE, interpolation=cv2.INTER_AREA), np.float32)
    now = _relief(cells)
    structure = float(now.std())
    if reference is None:
        return Glance(cells, structure)
    then = _relief(reference.coarse)
    product, power = float((now * then).sum()), float((then * then).sum())
    likeness = product / float(np.sqrt(power * float((now * now).sum())) + 1e-6)
    return Glance(cells, structure, likeness, product / (power + 1e-6))


def look(grey: Grey, before: Grey | None, seen: Glance, reference: Reference) -> Look:
    """Take the close look; `before` is a picture of some moments ago, to tell noise and life."""
    picture = grey.astype(np.float32)
    now, then = gradient(picture), gradient(reference.mean)
    power_now, power_then = _cells(_power(now)), _cells(_power(then)) + np.float32(1e-3)
    change = _change(picture, before, power_now)
    noise = min(_quiet(change), np.float32(_NOISIER * reference.noise + 1.0))
    moving = change > np.float32(_LIVELY) * noise + np.float32(1.0)
    detail = np.maximum(power_now - noise, 0.0)
    textured = reference.detail > _PLAIN
    light = (_cells(picture) + _BLACK) / (_cells(reference.mean) + _BLACK)
    kept = _cells(now.across * then.across + now.down * then.down) / power_then
    doubt = np.sqrt(noise / (power_then * np.float32(grey.size / (CELLS[0] * CELLS[1]))))
    judged = textured & (_KEPT * light > _SIGMAS * doubt)
    gone = judged & (kept < _KEPT * light)
    count, missed = int(np.count_nonzero(judged)), int(np.count_nonzero(gone))
    usual = float(np.median(reference.detail[textured])) if count else 0.0
    floor = np.float32(usual) * _OWN * np.maximum(light, _LEAST_LIGHT) ** 2
    left = float(detail[textured].sum()) / (float(reference.detail[textured].sum()) + 1e-3)
    ratio = (seen.cells + _BLACK) / (reference.coarse + _BLACK)
    dark, same = np.mean(ratio < _DARKENED), np.mean(np.abs(ratio - 1.0) < _UNCHANGED)
    return Look(
        sharpness=float(np.sqrt(left)) / max(seen.contrast, 0.02),
        lost=missed / count if count >= _LEAST_CELLS else None,
        own=float(np.mean(detail[gone] > floor[gone])) if missed else 0.0,
        lively=float(np.mean(moving[gone])) if missed else 0.0,
        sliding=bool(dark > _PART and same > _PART),
    )


def shift(grey: Grey, reference: Reference) -> tuple[float, float] | None:
    """Return how far (right, down, in px) the scene stands beside its place; None where no shift
    explains the picture.
    """
    now = np.sqrt(_power(gradient(grey.astype(np.float32))))
    then = np.sqrt(_power(gradient(reference.mean)))
    window = cv2.createHanningWindow((grey.shape[1], grey.shape[0]), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(then, now, window)
    x, y = round(right), round(down)
    rows, columns = grey.shape
    if abs(x) >= columns // 2 or abs(y) >= rows // 2:
        return None
    here = now[max(y, 0) : rows + min(y, 0), max(x, 0) : columns + min(x, 0)]
    there = then[max(-y, 0) : rows + min(-y, 0), max(-x, 0) : columns + min(-x, 0)]
    here, there = here - here.mean(), there - there.mean()
    power = float(np.sqrt((here * here).sum() * (there * there).sum()))
    return (right, down) if float((here * there).sum()) > _LEAST_LIKENESS * power else None


def learn(
    grey: Grey, before: Grey | None, seen: Glance, old: Reference | None, rate: float, step_s: float
) -> Reference:
    """Return the reference moved by `rate` (0 to 1) towards a picture of the well camera."""
    picture = grey.astype(np.float32)
    power = _cells(_power(gradient(picture)))
    noise = _quiet(_change(picture, before, power))
    detail = np.maximum(power - noise, 0.0)
    if old is None:
        return Reference(picture, seen.cells, detail, float(noise))
    mean = np.asarray(cv2.addWeighted(old.mean, 1.0 - rate, picture, rate, 0.0), np.float32)
    share = np.float32(rate)
    return Reference(
        mean,
        old.coarse + share * (seen.cells - old.coarse),
        old.detail + share * (detail - old.detail),
        old.noise + rate * (float(noise) - old.noise),
        old.age_s + step_s,
    )


def gradient(plane: Plane) -> Gradient:
    """Return the central differences of (h, w) float32, 0 at the border."""
    across, down = np.zeros_like(plane), np.zeros_like(plane)
    cv2.subtract(plane[:, 2:], plane[:, :-2], dst=across[:, 1:-1])
    cv2.subtract(plane[2:], plane[:-2], dst=down[1:-1])
    return Gradient(across, down)


def _change(picture: Plane, before: Grey | None, power: Cells) -> Cells:
    """Return the squared gradient, by cell, of what is not the same as before; half of the
    difference's, which has the noise of two pictures.
    """
    if before is None:
        return np.full_like(power, _quiet(power))
    return _cells(_power(gradient(picture - before))) * np.float32(0.5)


def _quiet(cells: Cells) -> np.float32:
    return np.float32(np.percentile(cells, _QUIET_SHARE))


def _power(of: Gradient) -> Plane:
    return of.across * of.across + of.down * of.down


def _cells(plane: Plane) -> Cells:
    return np.asarray(cv2.resize(plane, CELLS, interpolation=cv2.INTER_AREA), np.float32)


def _relief(cells: Cells) -> Cells:
    """What stands out of its surroundings, without glare and without the fall of the light."""
    out = cells - cv2.blur(cells, (5, 5))
    return np.asarray(np.clip(out, -_GLARE, _GLARE), np.float32)
