"""Stage 3: tell a change of light from somebody who came.

Light changes the level of a surface and leaves its edges where they were; a person covers them.
So a broad difference whose edges still agree with the empty scene is light, and the scene is
learnt anew instead of being called people.
"""

from __future__ import annotations

import cv2
import numpy as np

from detectors.background import Difference, Mask
from detectors.blobs import Box

BROAD = 0.25  # of the picture outside the tracks, at once
_SAME_EDGES = 0.6  # correlation of the edges of the picture and of the empty scene
_LIT_BLOB = 0.8  # the same within one blob: measured 0.95-0.99 for light, below 0.5 for people
_STEP = 2  # edges are compared on every second pixel
SETTLE_S = 1.0  # after a change the camera's own exposure still moves
_MIN_EDGE = 2.0  # grey levels a pixel; weaker than noise says nothing
_MIN_POWER = 1000.0  # grey levels², some thirty clear edge pixels


def is_light_change(seen: Difference, frozen: Mask | None = None) -> bool:
    """Whether the difference is broad and the edges beneath it are still those of the scene."""
    strange = seen.mask if frozen is None else cv2.subtract(seen.mask, frozen)
    free_px = seen.mask.size - (0 if frozen is None else cv2.countNonZero(frozen))
    if cv2.countNonZero(strange) < BROAD * max(free_px, seen.mask.size // 4):
        return False
    return edge_agreement(seen, np.asarray(strange, np.uint8)) >= _SAME_EDGES


def is_lit(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether a blob is a patch of light or a shadow on textured ground, nobody in it."""
    return edge_agreement(seen, mask, box) >= _LIT_BLOB


def edge_agreement(seen: Difference, where: Mask, box: Box | None = None) -> float:
    """Return the correlation (-1 to 1) of horizontal and vertical edges inside `where` (of
    `box`); 0 where the empty scene has too few edges to compare.
    """
    window = box.window if box else (slice(None), slice(None))
    step = 1 if box else _STEP
    picture, scene = seen.picture[window], seen.expected[window]
    inside = where[window][::step, ::step] > 0
    picture, scene = picture[::step, ::step], scene[::step, ::step]
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
