"""Stage 5: ghosts. Who was learnt into the empty scene leaves a hole in it when they go.

The outline of somebody who is there is an edge of the picture; the outline of a hole is an edge
of the learnt scene, and the picture is smooth there. A hole heals at once.
"""

from __future__ import annotations

import cv2
import numpy as np

from detectors.background import Difference, Mask
from detectors.blobs import Box
from detectors.structure import SATURATED, gradient

_TIMES = 4.0  # in power: twice as steep an edge in the scene as in the picture
_MIN_POWER = 100.0  # grey levels² over two pixels; weaker outlines say nothing
_OWN = 0.25  # of the power: an edge that both have tells nothing
_TELLING = 0.25  # of the outline's pixels, at least
_NEAR = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def is_ghost(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether the outline of a blob in `mask` is an edge of the scene and not of the picture."""
    now, then = outline_power(seen, mask, box)
    return then > _MIN_POWER and then > _TIMES * now


def outline_power(seen: Difference, mask: Mask, box: Box) -> tuple[float, float]:
    """Return the mean squared gradient along the blob's outline, of the picture and of the
    empty scene in this light, in grey levels² over two pixels.

    White has no edges, and an edge that both have (a door frame, a bar beside the film) is left
    out; where little is left the answer is 0 and 0.
    """
    window = box.grown(2).window
    body = mask[window]
    band = cv2.morphologyEx(body, cv2.MORPH_GRADIENT, _NEAR) > 0
    now_x, now_y = gradient(seen.picture[window])
    then_x, then_y = gradient(seen.expected[window])
    now, then = now_x * now_x + now_y * now_y, then_x * then_x + then_y * then_y
    apart = (now_x - then_x) ** 2 + (now_y - then_y) ** 2
    telling = band & (seen.picture[window] < np.float32(SATURATED))
    telling &= apart > np.float32(_OWN) * np.maximum(now, then)
    if np.count_nonzero(telling) < _TELLING * max(int(np.count_nonzero(band)), 1):
        return 0.0, 0.0
    return float(now[telling].mean()), float(then[telling].mean())
