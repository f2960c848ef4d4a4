"""Stage 6: the last doubt about a blob: are the edges beneath it still those of the scene?

Light changes the level of a surface and leaves its edges where they were; a person covers them.
"""

from __future__ import annotations

import numpy as np

from detectors.background import Difference, Mask
from detectors.blobs import Box

_LIT_BLOB = 0.8  # correlation of edges: measured 0.95-0.99 for light, below 0.5 for people
_MIN_EDGE = 2.0  # grey levels a pixel; weaker than noise says nothing
_MIN_POWER = 1000.0  # grey levels², some thirty clear edge pixels


def is_lit(seen: Difference, mask: Mask, box: Box) -> bool:
    """Whether a blob is a patch of light or a shadow on textured ground, nobody in it."""
    return edge_agreement(seen, mask, box) >= _LIT_BLOB


def edge_agreement(seen: Difference, where: Mask, box: Box) -> float:
    """Return the correlation (-1 to 1) of horizontal and vertical edges inside `where` of
    `box`; 0 where the empty scene has too few edges to compare.
    """
    window = box.window
    picture, scene = seen.picture[window], seen.expected[window]
    inside = where[window] > 0
    product = power_picture = power_scene = 0.0
    for axis in (0, 1):
        now, then = np.diff(picture, axis=axis), np.diff(scene, axis=axis)
        use = (inside[1:] if axis == 0 else inside[:, 1:]) & (np.abs(then) > _MIN_EDGE)
        a, b = now[use], then[use]
        product += float(a @ b)
        power_picture += float(a @ a)
        power_scene += float(b @ b)
    if power_scene < _MIN_POWER or power_picture <= 0.0:
        return 0.0
    return product / float(np.sqrt(power_picture * power_scene))
