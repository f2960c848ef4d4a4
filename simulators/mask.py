"""What a door unit covers of its own picture: the masks of its configuration."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from simulators.source import Image

Polygon = Sequence[Sequence[float]]  # corners (x, y) in fractions of width and height


def cover(picture: Image, masks: Sequence[Polygon]) -> Image:
    """Return the picture, (h, w, 3), with the masks black; drawn into the one given."""
    high, wide = picture.shape[:2]
    corners = [np.round(np.array(mask) * (wide, high)).astype(np.int32) for mask in masks]
    if corners:
        cv2.fillPoly(picture, corners, (0, 0, 0))
    return picture
