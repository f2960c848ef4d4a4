"""Stage 4: connected foreground to boxes of at least a person's size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from detectors.background import Mask

MIN_HEIGHT = 0.12  # of the picture; a person coming in is first seen in part
_MIN_AREA = 0.003  # of the picture
_MAX_ASPECT = 2.5  # width over height: cables, hedges, strips of light are wider
_FILL = 0.2  # of the box that must differ: branches and outlines fill less
_GAP = 0.12  # of the picture's height between two parts of one person
_THICK = 0.12  # of the height at the thickest place: a trunk is 0.2, the border of a shadow 0.05
_PART_AREA = 0.0008
_OPEN = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
_CLOSE = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 7))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in working pixels: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def area(self) -> float:
        return self.w * self.h

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of an array that the box covers."""
        top, left = max(int(self.y), 0), max(int(self.x), 0)
        return slice(top, int(self.y + self.h) + 1), slice(left, int(self.x + self.w) + 1)

    @property
    def foot(self) -> tuple[float, float]:
        """Where the box stands: the middle of its lower edge."""
        return self.x + self.w / 2, self.y + self.h

    def grown(self, margin: float) -> Box:
        return Box(self.x - margin, self.y - margin, self.w + 2 * margin, self.h + 2 * margin)

    def union(self, other: Box) -> Box:
        x, y = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.w, other.x + other.w)
        bottom = max(self.y + self.h, other.y + other.h)
        return Box(x, y, right - x, bottom - y)

    def overlap(self, other: Box) -> float:
        """Area in common, px²."""
        w = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        h = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(w, 0.0) * max(h, 0.0)

    def iou(self, other: Box) -> float:
        common = self.overlap(other)
        return common / (self.area + other.area - common) if common else 0.0


def clean(mask: Mask) -> Mask:
    """Remove specks, close the gaps in a body."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _OPEN)
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _CLOSE), np.uint8)


def find_blobs(mask: Mask) -> list[Box]:
    """Return the boxes of a cleaned mask, largest first."""
    rows = mask.shape[0]
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    parts: list[tuple[Box, float]] = []
    for contour in contours:
        area = float(cv2.contourArea(contour))
        if area >= _PART_AREA * mask.size:
            x, y, w, h = cv2.boundingRect(contour)
            parts.append((Box(x, y, w, h), area))
    whole = [
        box
        for box, area in _join(parts, _GAP * rows)
        if area >= _MIN_AREA * mask.size
        and area >= _FILL * box.area
        and box.h >= MIN_HEIGHT * rows
        and box.w <= _MAX_ASPECT * box.h
        and thickness_px(mask, box) >= _THICK * box.h
    ]
    return sorted(whole, key=lambda box: box.area, reverse=True)


def thickness_px(mask: Mask, box: Box) -> float:
    within = cv2.copyMakeBorder(mask[box.window], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 2.0 * float(cv2.distanceTransform(within, cv2.DIST_L2, 3).max())


def _join(parts: list[tuple[Box, float]], gap_px: float) -> list[tuple[Box, float]]:
    """Join parts that stand above each other: a head, a coat and legs are one person."""
    parts = sorted(parts, key=lambda part: part[1], reverse=True)
    joined: list[tuple[Box, float]] = []
    for box, area in parts:
        for at, (other, other_area) in enumerate(joined):
            common = min(box.x + box.w, other.x + other.w) - max(box.x, other.x)
            apart = max(box.y, other.y) - min(box.y + box.h, other.y + other.h)
            if common >= 0.6 * min(box.w, other.w) and apart <= gap_px:
                joined[at] = (other.union(box), other_area + area)
                break
        else:
            joined.append((box, area))
    return joined
