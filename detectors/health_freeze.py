"""Camera health: does the picture stand still? A living sensor never gives the same one twice.

Compared are whole pictures, so that a clock drawn into a frozen one does not liven it. A stream
that is encoded anew may alternate between a few renderings of one picture: that many are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from detectors.decode import Grey

_RENDERINGS = 3  # fewer than the pictures of the shortest film that is played in a loop
_CELLS = (16, 9)
_CHANGED_SHARE = 0.12  # of the cells; docs/detection.md has the measurement
_EVERY_ROW = 8  # enough to see that a living picture is another one
_GAP_US = 30_000_000  # what stood still before and after so long a gap need not have between


@dataclass(slots=True)
class Freeze:
    """`seen` keeps the pictures since `since_us`; `lives` says that the camera ever changed."""

    seen: list[Grey] = field(default_factory=list)
    since_us: int = 0
    newest_us: int = 0
    lives: bool = False

    def look(self, grey: Grey, at_us: int) -> int | None:
        """Take a picture, (h, w) uint8; return since when, in µs, it has been standing still."""
        if not 0 <= at_us - self.newest_us <= _GAP_US:
            self.seen.clear()
        self.newest_us = at_us
        if any(is_same(grey, kept) for kept in self.seen):
            return self.since_us if self.lives else None
        if not self.seen or len(self.seen) >= _RENDERINGS:
            self.lives = self.lives or bool(self.seen)
            self.seen.clear()
            self.since_us = at_us
        self.seen.append(grey)
        return None


def is_same(one: Grey, other: Grey) -> bool:
    """Whether two pictures are the same but for a small place, without any noise between them."""
    if one.shape != other.shape:
        return False
    rows = one[::_EVERY_ROW] != other[::_EVERY_ROW]
    if np.count_nonzero(rows) > 2 * _CHANGED_SHARE * rows.size:
        return False
    changed = cv2.compare(one, other, cv2.CMP_NE)
    if cv2.countNonZero(changed) > _CHANGED_SHARE * changed.size:
        return False
    cells = cv2.resize(changed.astype(np.float32), _CELLS, interpolation=cv2.INTER_AREA)
    return float(np.mean(cells > 0)) <= _CHANGED_SHARE
