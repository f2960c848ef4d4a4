"""Several people in one blob: which part of it is whose, while they pass or stand together.

Who is known from before keeps the size they had and goes on as they went. The outermost take the
blob's own edges; who is wholly hidden behind another has no part of it, and is awaited.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.blobs import Box, are_two

COVERED = 0.6  # of the box where somebody is expected: in the blob
_AS_HIGH = 0.7  # of the height of the track
_ROOM = 1.2  # widths of the widest: a blob no wider shows one person, whoever is behind


def is_covered(expected: Box, blob: Box) -> bool:
    """Whether somebody expected there would be in the blob."""
    return expected.overlap(blob) >= COVERED * expected.area


def are_beside(one: Box, other: Box, height: float) -> bool:
    """Whether two boxes are two people who stood in one track so far: side by side, each as a
    person is shaped, and as high as the two were; a pair of legs is less high.
    """
    apart = max(one.x, other.x) >= min(one.x + one.w, other.x + other.w)
    return apart and are_two(one, other) and min(one.h, other.h) >= _AS_HIGH * height


def shares(blob: Box, expected: Sequence[Box]) -> list[Box | None]:
    """Return everybody's part of the blob, None for who cannot be told from the others."""
    order = sorted(range(len(expected)), key=lambda at: expected[at].x + expected[at].w / 2)
    if blob.w < _ROOM * max(box.w for box in expected):
        return [None] * len(expected)
    parts: list[Box | None] = [None] * len(expected)
    for place, at in enumerate(order):
        own = expected[at]
        w, h = min(own.w, blob.w), min(own.h, blob.h)
        left = min(max(own.x, blob.x), blob.x + blob.w - w)
        if place == 0:
            left = blob.x
        elif place == len(order) - 1:
            left = blob.x + blob.w - w
        top = min(max(own.y, blob.y), blob.y + blob.h - h)
        parts[at] = Box(left, top, w, h)
    return parts
