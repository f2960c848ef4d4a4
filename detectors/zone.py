"""The door zone: does somebody stand in it?"""

from __future__ import annotations

import cv2
import numpy as np

Zone = tuple[tuple[float, float], ...]
_EDGE = 0.002  # feet below the picture's lower edge stand on it


def inside(zone: Zone, x: float, y: float) -> bool:
    """Whether the point (fractions of width and height) is in the polygon; any point is in
    an empty one.
    """
    if not zone:
        return True
    point = (min(max(x, _EDGE), 1 - _EDGE), min(max(y, _EDGE), 1 - _EDGE))
    return cv2.pointPolygonTest(np.array(zone, np.float32), point, measureDist=False) >= 0
