"""Stage 7, the other half: does it come back? What sways (a balloon on its string, a large plant)
changes as many pixels as somebody does, and is no sign of life.

It hangs or stands on something, so within seconds it is where it was, and its picture with it,
pixel for pixel. Somebody who stirs is never quite the same again. One look proves little, so the
share of the looks counts, and doubt is for the person.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.background import Mask, Plane
from detectors.blobs import Box
from detectors.decode import Grey
from detectors.life import WINDOW_US, keep, noise

_REACH_US = 10_000_000
_SAMPLE = 600  # of a track's pixels
_GRID = slice(8, None, 16)  # of rows and columns, where the light's step is read
_EVERY_US = 380_000  # two frames at 5 a second
_LEAST_LIVE = 0.3  # of its pixels: what stirs less is not carried about by the wind
_LIVE_ON = 0.1  # once it is known to sway
_ALIKE = 0.08  # of its pixels, at most; docs/detection.md
_ALIKE_SHARE = 0.2  # of those that changed over the second
_LEAST_WIDTH = 0.5  # of its height: narrower is a person upright
_TAU_S = 6.0
_TRIED_S = 4.0
_SHARE, _NO_LONGER = 0.15, 0.05
_LONGEST_STEP_S = 1.0


@dataclass(slots=True)
class Sway:
    """Of one track: the `share` (0 to 1) of its looks that show it come back to where it was,
    over the last six seconds or so, and for how long it was `tried`.
    """

    share: float = 0.0
    tried_s: float = 0.0
    sways: bool = False
    looked_us: int | None = None

    def due(self, at_us: int) -> bool:
        return self.looked_us is None or at_us - self.looked_us >= _EVERY_US

    def may(self, live: float, box: Box) -> bool:
        """Whether it could sway by its shape, and by how many of its pixels changed (`live`)."""
        least = _LIVE_ON if self.sways else _LEAST_LIVE
        return live >= least and box.w >= _LEAST_WIDTH * box.h

    def look(self, at_us: int, *, back: bool) -> None:
        """Take the next look: is it `back` where it was?"""
        step_s = _EVERY_US / 1e6
        if self.looked_us is not None:
            step_s = min((at_us - self.looked_us) / 1e6, _LONGEST_STEP_S)
        self.looked_us = at_us
        self.tried_s += step_s
        self.share += step_s / min(_TAU_S, self.tried_s) * (float(back) - self.share)
        self.sways = self.tried_s >= _TRIED_S and self.share >= (
            _NO_LONGER if self.sways else _SHARE
        )


class Recent:
    """The pictures of the last ten seconds, five a second at most, as long as it is fed."""

    def __init__(self) -> None:
        self._ring: deque[tuple[int, Grey]] = deque()

    def clear(self) -> None:
        self._ring.clear()

    def add(self, at_us: int, grey: Grey) -> None:
        """Keep a picture, (h, w), of the working size."""
        keep(self._ring, at_us, grey, _REACH_US)

    def unlike(self, at_us: int, grey: Grey, limit: Plane, body: Mask, box: Box) -> float | None:
        """Return by which share of its pixels (0 to 1) the `body` in `box` differs from what the
        nearest of the pictures shows there, the light's own step taken out; None where
        there is no picture old enough. All (h, w); `limit` in grey levels².
        """
        # what changed over the window of life is looked for before it
        old = [then for t_us, then in self._ring if WINDOW_US <= at_us - t_us <= _REACH_US]
        rows, columns = box.window
        inside = np.flatnonzero(body[rows, columns])
        if not old or not inside.size:
            return None
        inside = inside[:: -(-inside.size // _SAMPLE)]
        down, right = np.divmod(inside, body[rows, columns].shape[1])
        at = (down + rows.start) * grey.shape[1] + right + columns.start
        now = grey.ravel().take(at).astype(np.int16)
        before = np.array([then.ravel().take(at) for then in old]).astype(np.int16)
        levels = noise(limit.ravel().take(at))
        away = np.abs(before - now - _steps(grey, old)[:, None])
        differ = np.count_nonzero(away > levels.astype(np.int16), axis=1)
        return float(differ.min()) / float(at.size)


def is_back(unlike: float, live: float) -> bool:
    """Whether a track is back where it was: how `unlike` its nearest picture it is and how many
    of its pixels changed over a second, 0 to 1.
    """
    return unlike <= min(_ALIKE, _ALIKE_SHARE * live)


def _steps(grey: Grey, old: list[Grey]) -> npt.NDArray[np.int16]:
    """Return by how much each picture was lighter than this one, (n,), grey levels."""
    now = grey[_GRID, _GRID].astype(np.int16)
    before = np.array([then[_GRID, _GRID] for then in old]).astype(np.int16)
    middle: npt.NDArray[np.float64] = np.median((before - now).reshape(len(old), -1), axis=1)
    return middle.astype(np.int16)
