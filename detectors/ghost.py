"""Stage 5: ghosts. Who was learnt into the empty scene leaves a hole in it when they go.

The outline of somebody who is there is an edge of the picture; the outline of a hole is an edge
of the learnt scene, and the picture is smooth there. A hole heals at once.
"""

from __future__ import annotations

import cv2
import numpy as np

from detectors.background import Difference, Mask, Plane
from detectors.blobs import Box
from detectors.structure import SATURATED

_TIMES = 4.0  # in power: twice as steep an edge in the scene as in the picture
_MIN_POWER = 100.0  # grey levels² over two pixels; weaker outlines say nothing
_NEAR = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def is_ghost(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether the outline of a blob in `mask` is an edge of the scene and not of the picture."""
    now, then = outline_power(seen, mask, box)
    return then > _MIN_POWER and then > _TIMES * now


def outline_power(seen: Difference, mask: Mask, box: Box) -> tuple[float, float]:
    """Return the mean squared gradient along the blob's outline, of the picture and of the
    empty scene in this light, in grey levels² over two pixels.
    """
    window = box.grown(2).window
    body = mask[window]
    band = cv2.morphologyEx(body, cv2.MORPH_GRADIENT, _NEAR) > 0
    # white has no edges of its own
    readable = band & (seen.picture[window] < np.float32(SATURATED))
    if 2 * np.count_nonzero(readable) < max(int(np.count_nonzero(band)), 1):
        return 0.0, 0.0
    return _power(seen.picture[window], readable), _power(seen.expected[window], readable)


def _power(plane: Plane, band: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> float:
    power = np.zeros_like(plane)
    power[:, 1:-1] = (plane[:, 2:] - plane[:, :-2]) ** 2
    power[1:-1] += (plane[2:] - plane[:-2]) ** 2
    return float(power[band].mean())
