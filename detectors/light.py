"""Stage 6: the last doubt about a blob: are the edges beneath it still those of the scene?

Light changes the level of a surface and leaves its edges where they were; a person covers them.
"""

from __future__ import annotations

import cv2
import numpy as np

from detectors.background import Difference, Mask
from detectors.blobs import Box

_LIT_BLOB = 0.8  # correlation of edges: measured 0.95-0.99 for light, below 0.5 for people
_MIN_EDGE = 2.0  # grey levels a pixel; weaker than noise says nothing
_SHADE = (0.3, 0.95)  # of the light that a shadow leaves
_EVEN = 0.15  # of what a shadow takes: how evenly it takes it
_SHADE_SHARE = 0.75  # of the pixels: measured 0.83 for a cast shadow, people below 0.66 (99 %)
_DARK = np.float32(8.0)  # grey levels added to both sides of the ratio: dark is noise
_INNER = np.ones((3, 3), np.uint8)
_MIN_PX = 20
_MIN_POWER = 1000.0  # grey levels², some thirty clear edge pixels


def is_lit(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether a blob is a patch of light or a shadow on textured ground, nobody in it."""
    return edge_agreement(seen, mask, box) >= _LIT_BLOB


def is_shade(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether a blob is the scene in one even shadow: a body has a head, a coat and trousers."""
    window = box.window
    inside = cv2.erode(mask[window], _INNER) > 0
    if np.count_nonzero(inside) < _MIN_PX:
        return False
    ratio = (seen.picture[window][inside] + _DARK) / (seen.expected[window][inside] + _DARK)
    left = float(np.median(ratio))
    if not _SHADE[0] < left < _SHADE[1]:
        return False
    return float(np.mean(np.abs(ratio - left) <= _EVEN * (1.0 - left))) >= _SHADE_SHARE


def edge_agreement(seen: Difference, where: Mask, box: Box) -> float:
    """Return the correlation (-1 to 1) of horizontal and vertical edges inside `where` of
    `box`; 0 where the empty scene has too few edges to compare.
    """
    window = box.window
    picture, scene = seen.picture[window], seen.expected[window]
    inside = where[window] > 0
    product = power_picture = power_scene = 0.0
    for axis in (0, 1):
        now, then = np.diff(picture, axis=axis), np.diff(scene, axis=axis)
        use = (inside[1:] if axis == 0 else inside[:, 1:]) & (np.abs(then) > _MIN_EDGE)
        a, b = now[use], then[use]
        product += float(a @ b)
        power_picture += float(a @ a)
        power_scene += float(b @ b)
    if power_scene < _MIN_POWER or power_picture <= 0.0:
        return 0.0
    return product / float(np.sqrt(power_picture * power_scene))
