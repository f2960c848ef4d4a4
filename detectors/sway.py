"""Stage 7, the other half: does it move as one piece? A balloon on its string changes as many
pixels as somebody does, but laid on itself as it was a second ago, moved and turned, it is the
same. Arms, legs and the folds of clothes are not.

One look proves little (somebody who walks by far off may be as stiff), so the share of a track's
looks counts, and doubt is for the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np

from detectors.background import Mask, Plane
from detectors.blobs import Box
from detectors.decode import Grey

LEAST_LIVE = 0.2  # of its pixels: what stirs less is not carried about by the wind
_EVERY_US = 400_000
_LEFT = 0.33  # of what changed, once it is laid on itself; docs/detection.md
_MOST_LEFT = 0.2  # of its pixels
_LEAST_PX = 1.0  # it moved by
_REACH = 0.3  # of its height, in a second
_RIM_PX = 2  # of the outline, where the ground shows through
_LEAST_AREA_PX = 30
_LEVELS = 0.9, 24.0  # of what noise may reach, and at most; as for life
_TAU_S = 10.0
_TRIED_S = 4.0
_SHARE, _NO_LONGER = 0.3, 0.2
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 2e-3)


@dataclass(slots=True)
class Sway:
    """Of one track: the `share` (0 to 1) of its looks that show one stiff piece in motion,
    over the last ten seconds or so, and for how long it was `tried`.
    """

    share: float = 0.0
    tried_s: float = 0.0
    sways: bool = False
    looked_us: int | None = None

    def due(self, at_us: int) -> bool:
        return self.looked_us is None or at_us - self.looked_us >= _EVERY_US

    def look(self, at_us: int, *, stiff: bool) -> None:
        """Take the next look."""
        step_s = _EVERY_US / 1e6
        if self.looked_us is not None:
            step_s = min((at_us - self.looked_us) / 1e6, 1.0)
        self.looked_us = at_us
        self.tried_s += step_s
        self.share += step_s / min(_TAU_S, self.tried_s) * (float(stiff) - self.share)
        least = _NO_LONGER if self.sways else _SHARE
        self.sways = self.tried_s >= _TRIED_S and self.share >= least


def is_stiff(grey: Grey, then: Grey, body: Mask, limit: Plane, box: Box, live: float) -> bool:
    """Whether what is in `box`, `live` of it changed, is what was there a second ago, moved and
    turned. All (h, w); `limit` in grey levels².
    """
    inner = np.asarray(cv2.erode(body[box.window], _RIM, borderValue=0), np.uint8)
    if live < LEAST_LIVE or cv2.countNonZero(inner) < _LEAST_AREA_PX:
        return False
    rows, columns = box.window
    reach = max(4, round(_REACH * box.h))
    now = grey[box.window]
    wide = cv2.copyMakeBorder(then, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    tall, broad = (part.stop - part.start + 2 * reach for part in box.window)
    area = np.asarray(wide[rows.start :, columns.start :][:tall, :broad], np.uint8)
    way = _way(area, now, inner)
    if way is None or hypot(way[0, 2] + reach, way[1, 2] + reach) < _LEAST_PX:
        return False
    size = (area.shape[1], area.shape[0])
    how = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(now.astype(np.float32), way, size, flags=cv2.INTER_LINEAR | how)
    where = cv2.warpAffine(inner, way, size, flags=cv2.INTER_NEAREST | how) > 0
    away = area[where].astype(np.float32) - laid[where]
    if away.size < _LEAST_AREA_PX:
        return False
    share, most = _LEVELS
    levels = min(share * float(np.sqrt(np.median(limit[box.window]))), most)
    left = float(np.mean(np.abs(away - np.median(away)) > levels))
    return left < min(_LEFT * live, _MOST_LEFT)


def _way(
    area: Grey, now: Grey, inner: Mask
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None:
    """Return how points of `area`, the picture of then, lie in `now`, (2, 3); None where no way
    is found.
    """
    half = (max(now.shape[1] // 2, 1), max(now.shape[0] // 2, 1))
    small = cv2.resize(now, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.resize(inner, half, interpolation=cv2.INTER_NEAREST)
    scale = (now.shape[1] / half[0], now.shape[0] / half[1])
    there = (round(area.shape[1] / scale[0]), round(area.shape[0] / scale[1]))
    coarse = cv2.resize(area, there, interpolation=cv2.INTER_AREA).astype(np.float32)
    if not cv2.countNonZero(mask):
        return None
    unlike = cv2.matchTemplate(coarse, small, cv2.TM_SQDIFF, mask=(mask > 0).astype(np.float32))
    _, _, (x, y), _ = cv2.minMaxLoc(unlike)
    first = np.array([[1, 0, -x * scale[0]], [0, 1, -y * scale[1]]], np.float32)
    try:
        _, way = cv2.findTransformECC(area, now, first, cv2.MOTION_EUCLIDEAN, _STEPS, inner, 3)
    except cv2.error:  # it does not converge: the two have nothing in common
        return None
    return np.asarray(way, np.float32)


_RIM = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1, 2 * _RIM_PX + 1))
