"""Stage 3: structure. Light changes the level of a surface; a body covers its edges, brings its
own.

The gradient of the picture is compared with the gradient of the empty scene, scaled by the local
ratio of the two. A lamp, headlights or an exposure step on a flat wall leave nothing behind; the
hard shadow of a wall leaves the thin line of its border; a body leaves its outline and its folds,
which are filled. What differs in level but not in structure is light, and is learnt as such.
"""

from __future__ import annotations

import cv2
import numpy as np

from detectors.background import Difference, Mask, Plane
from detectors.blobs import Box, thickness_px

_WINDOW = 11  # px over which the local light is taken
_BLACK = np.float32(8.0)  # grey levels added to both sides of the ratio: dark is noise
_OWN_EDGE = 0.25  # of the squared scaled scene edge: misregistration, sharpness, a camera's curve
SATURATED = 248.0  # above it an edge of the scene may be lost in white
_REACH = 0.01  # of the height around an outline that belongs to the body
_JOIN = 0.05  # of the height: gaps in an outline that are closed
_MAX_NOISE = 32.0  # grey levels; a restless light must not hide a body's outline
_SLIVER = 0.07  # of the height
_BESIDE = 0.06
_LIT_SHARE = 0.7
_NEAR = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def bodies(seen: Difference, mask: Mask, limit: Plane) -> Mask:
    """Return the part of a cleaned `mask`, (h, w) uint8, that stands on changed structure.

    `limit` is the squared difference, (h, w) float32 in grey levels², that noise alone may reach.
    """
    rows = mask.shape[0]
    x, y, w, h = cv2.boundingRect(mask)
    margin = _WINDOW
    top, left = max(y - margin, 0), max(x - margin, 0)
    window = (slice(top, y + h + margin), slice(left, x + w + margin))
    lines = _changed(seen.picture[window], seen.expected[window], limit[window])
    size = max(3, round(_JOIN * rows)) | 1
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, _square(size))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hulls = [cv2.convexHull(outline) for outline in outlines]
    filled = cv2.drawContours(closed, hulls, -1, 255, cv2.FILLED)
    reach = max(3, round(2 * _REACH * rows)) | 1
    near = cv2.dilate(filled, _square(reach))
    kept: Mask = np.zeros_like(mask)
    cv2.bitwise_and(near, mask[window], dst=near)
    kept[window] = near
    return kept


def is_border(body: Mask, mask: Mask, box: Box) -> bool:
    """Whether a blob is the border of a shadow: thin, and light beside it.

    `mask` is the cleaned difference that `body` was taken from.
    """
    rows = mask.shape[0]
    around = box.grown(_BESIDE * rows).window
    body_px = cv2.countNonZero(body[around])
    if cv2.countNonZero(mask[around]) - body_px < _LIT_SHARE * body_px:
        return False
    return bool(thickness_px(body, box) <= _SLIVER * rows)


def _changed(picture: Plane, scene: Plane, limit: Plane) -> Mask:
    """Return 255 where the gradient is not that of the scene in the local light."""
    ratio = cv2.divide(
        cv2.blur(picture, (_WINDOW, _WINDOW)) + _BLACK, cv2.blur(scene, (_WINDOW, _WINDOW)) + _BLACK
    )
    now_x, now_y = gradient(picture)
    then_x, then_y = gradient(scene)
    then_x *= ratio
    then_y *= ratio
    then = then_x * then_x + then_y * then_y
    excess = (now_x - then_x) ** 2 + (now_y - then_y) ** 2
    # what the scene's noise was taken for grows with the light
    limit = np.minimum(limit, np.float32(_MAX_NOISE**2)) * np.maximum(
        ratio * ratio, np.float32(1.0)
    )
    excess -= np.float32(_OWN_EDGE) * cv2.dilate(then, _NEAR)
    # where the picture is white an edge may be lost, but none is made
    white = cv2.dilate(picture, _NEAR) >= SATURATED
    lost = now_x * now_x + now_y * now_y <= then
    changed = cv2.compare(excess, limit, cv2.CMP_GT)
    changed[white & lost] = 0
    return np.asarray(changed, np.uint8)


def gradient(plane: Plane) -> tuple[Plane, Plane]:
    """Return the steps over two pixels across and down, (h, w) in grey levels, 0 at the rim."""
    across, down = np.zeros_like(plane), np.zeros_like(plane)
    cv2.subtract(plane[:, 2:], plane[:, :-2], dst=across[:, 1:-1])
    cv2.subtract(plane[2:], plane[:-2], dst=down[1:-1])
    return across, down


def _square(size: int) -> cv2.typing.MatLike:
    return cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
