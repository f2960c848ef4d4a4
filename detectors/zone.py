"""Polygons in the picture: does somebody stand in one, and which pixels lie in some of them?"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Polygon = tuple[tuple[float, float], ...]  # corners in fractions of width and height
_EDGE = 0.002  # feet below the picture's lower edge stand on it


def inside(polygon: Polygon, x: float, y: float) -> bool:
    """Whether the point (fractions of width and height) is in the polygon; any point is in
    an empty one.
    """
    if not polygon:
        return True
    point = (min(max(x, _EDGE), 1 - _EDGE), min(max(y, _EDGE), 1 - _EDGE))
    return cv2.pointPolygonTest(np.array(polygon, np.float32), point, measureDist=False) >= 0


def fill(polygons: Sequence[Polygon], rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Return (rows, columns) uint8: 255 on every pixel that a polygon touches."""
    plane = np.zeros((rows, columns), np.uint8)
    for polygon in polygons:
        # outwards by a pixel, so that nothing along the border escapes at a coarse scale
        corners = np.array([(x * columns, y * rows) for x, y in polygon], np.float32)
        cv2.fillPoly(plane, [np.round(corners).astype(np.int32)], 255)
    if polygons:
        plane = np.asarray(cv2.dilate(plane, np.ones((3, 3), np.uint8)), np.uint8)
    return plane
