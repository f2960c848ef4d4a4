"""Stage 4: connected foreground to boxes of at least a person's size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from detectors.background import Mask

MIN_HEIGHT = 0.09  # of the picture: somebody across the street is followed too
_MIN_AREA = 0.0018  # of the picture
_MAX_ASPECT = 2.5  # width over height: cables, hedges, strips of light are wider
_FILL = 0.2  # of the box that must differ: branches and outlines fill less
_GAP = 0.12  # of the picture's height between two parts of one person
_GAP_SHARE = 0.5  # of the larger part's height, likewise
_UPRIGHT = 1.3  # height over width: alone a person
_ALIKE = 0.6  # of the larger's height: somebody who stands behind somebody
_THICK = 0.12  # of the height at the thickest place: a trunk is 0.2, the border of a shadow 0.05
_PAIR = 0.7  # width over height: two may stand side by side
_SIDE = 0.2  # of the height: the least width of each
_VALLEY = 0.25  # of either's column with the most
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


@dataclass(frozen=True, slots=True)
class Part:
    """Connected foreground: its box, and its area in px²."""

    box: Box
    area: float


def clean(mask: Mask) -> Mask:
    """Remove specks, close the gaps in a body."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _OPEN)
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _CLOSE), np.uint8)


def find_parts(mask: Mask) -> list[Part]:
    """Return the connected parts of a cleaned mask, specks left out."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    parts: list[Part] = []
    for contour in contours:
        area = float(cv2.contourArea(contour))
        if area >= _PART_AREA * mask.size:
            x, y, w, h = cv2.boundingRect(contour)
            parts.append(Part(Box(x, y, w, h), area))
    return parts


def is_sizeable(mask: Mask, part: Part) -> bool:
    """Whether a part alone has a blob's area."""
    return part.area >= _MIN_AREA * mask.size


def find_blobs(mask: Mask, parts: list[Part] | None = None) -> list[Box]:
    """Return the boxes of a cleaned mask, or of those `parts` of it, largest first."""
    rows = mask.shape[0]
    whole = [
        part.box
        for part in _join(find_parts(mask) if parts is None else parts, _GAP * rows)
        if part.area >= _MIN_AREA * mask.size
        and part.area >= _FILL * part.box.area
        and part.box.h >= MIN_HEIGHT * rows
        and part.box.w <= _MAX_ASPECT * part.box.h
        and thickness_px(mask, part.box) >= _THICK * part.box.h
    ]
    return sorted(whole, key=lambda box: box.area, reverse=True)


def split(box: Box, differs: Mask) -> list[Box]:
    """Return two boxes where two people stand side by side in one, each cut to what `differs`
    there: between them lies a column with little of it. Else the box.
    """
    if box.w < _PAIR * box.h:
        return [box]
    filled = np.count_nonzero(differs[box.window], axis=0)
    side = max(int(_SIDE * box.h), 1)
    inner = filled[side : len(filled) - side]
    if not len(inner):
        return [box]
    at = side + int(np.argmin(inner))
    left, right = filled[:at], filled[at + 1 :]
    if filled[at] > _VALLEY * min(left.max(), right.max()):
        return [box]
    halves = [_cut(Box(box.x, box.y, at, box.h), differs)]
    halves.append(_cut(Box(box.x + at + 1, box.y, box.w - at - 1, box.h), differs))
    whole = [half for half in halves if half is not None and half.h >= _ALIKE * box.h]
    return whole if len(whole) == len(halves) else [box]


def _cut(box: Box, differs: Mask) -> Box | None:
    rows, columns = box.window
    x, y, w, h = cv2.boundingRect(differs[rows, slice(columns.start, columns.stop - 1)])
    return Box(columns.start + x, rows.start + y, w, h) if w and h else None


def thickness_px(mask: Mask, box: Box) -> float:
    within = cv2.copyMakeBorder(mask[box.window], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 2.0 * float(cv2.distanceTransform(within, cv2.DIST_L2, 3).max())


def _join(parts: list[Part], gap_px: float) -> list[Part]:
    """Join parts that stand above each other: a head, a coat and legs are one person."""
    joined: list[Part] = []
    for part in sorted(parts, key=lambda part: part.area, reverse=True):
        box = part.box
        for at, other in enumerate(joined):
            common = min(box.x + box.w, other.box.x + other.box.w) - max(box.x, other.box.x)
            apart = max(box.y, other.box.y) - min(box.y + box.h, other.box.y + other.box.h)
            near = apart <= min(gap_px, _GAP_SHARE * max(box.h, other.box.h))
            if common >= 0.6 * min(box.w, other.box.w) and near and not are_two(box, other.box):
                joined[at] = Part(other.box.union(box), other.area + part.area)
                break
        else:
            joined.append(part)
    return joined


def are_two(one: Box, other: Box) -> bool:
    """Whether each is a whole person's shape, and about as high as the other."""
    upright = one.h >= _UPRIGHT * one.w and other.h >= _UPRIGHT * other.w
    return upright and min(one.h, other.h) >= _ALIKE * max(one.h, other.h)
