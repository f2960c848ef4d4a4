"""Stage 5: does it live? A parcel left at the door must not become a loiterer.

Over one second (not from frame to frame) a standing person changes a few per cent of their
pixels, a bag none. The comparison is of two pictures, so it needs no model and holds for ghosts,
the holes in the background that somebody leaves who was there when the camera started.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

from detectors.background import Mask, Plane
from detectors.blobs import Box
from detectors.decode import Grey

WINDOW_US = 1_000_000
LIVE_FRACTION = 0.025  # of a track's pixels; docs/detection.md has the measurement
_LEVELS = np.float32(0.9)  # of what noise may reach: 12 grey levels on bright ground
_MAX_LEVELS = np.float32(24.0)  # where the light has been restless
_SPACING_US = 180_000
_TOO_OLD_US = 3_000_000


def keep(ring: deque[tuple[int, Grey]], at_us: int, grey: Grey, reach_us: int) -> None:
    """Keep a picture, five a second at most, and of those older than `reach_us` the newest."""
    if ring and at_us - ring[-1][0] < _SPACING_US:
        return
    ring.append((at_us, grey))
    while len(ring) > 1 and at_us - ring[1][0] >= reach_us:
        ring.popleft()


def noise(limit: Plane) -> Plane:
    """Return by how many grey levels noise may change a pixel, from `limit` in levels²."""
    return np.minimum(np.sqrt(limit) * _LEVELS, _MAX_LEVELS)


class Past:
    """The pictures of the last second or so, a few of them, whatever the frame rate."""

    def __init__(self) -> None:
        self._ring: deque[tuple[int, Grey]] = deque()

    def clear(self) -> None:
        self._ring.clear()

    def add(self, at_us: int, grey: Grey) -> None:
        keep(self._ring, at_us, grey, WINDOW_US)

    def changed(self, at_us: int, grey: Grey, limit: Plane, boxes: list[Box]) -> Mask | None:
        """Return 255 where, in the boxes, the picture differs from the one a second ago by more
        than noise, the light's own step taken out; None where there is no picture of then.
        """
        old = [entry for entry in self._ring if at_us - entry[0] >= WINDOW_US]
        if not old or at_us - old[-1][0] > _TOO_OLD_US:
            return None
        then = old[-1][1]
        step = np.subtract(grey[::4, ::4], then[::4, ::4], dtype=np.int16)
        shift = float(np.median(step))
        whole = np.zeros_like(grey)
        for box in boxes:
            window = box.window
            away = cv2.absdiff(
                grey[window].astype(np.float32), then[window].astype(np.float32) + np.float32(shift)
            )
            whole[window] = cv2.compare(away, noise(limit[window]), cv2.CMP_GT)
        return whole


def live_fraction(changed: Mask, foreground: Mask, box: Box) -> float:
    """Return the part of the foreground in `box` that changed over the window, 0 to 1."""
    body = foreground[box.window]
    body_px = cv2.countNonZero(body)
    if not body_px:
        return 0.0
    return cv2.countNonZero(cv2.bitwise_and(changed[box.window], body)) / body_px
