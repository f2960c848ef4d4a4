"""What somebody puts before a lens: cloth, tape, a hand, a bag, paint. Near, so without detail."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from simulators.places import HEIGHT_PX, WIDTH_PX
from simulators.source import Image

Floats = npt.NDArray[np.float32]
Look = tuple[float, float, float, float]  # 0 to 1 each: tone, kind, tint, reach
Cover = Callable[[Image, float, Look], Image]

_ONSET_S = 0.6
_SPRAY_S = 2.5
_ROWS, _COLUMNS = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)


def _cloth(picture: Image, since_s: float, look: Look) -> Image:
    """A cloth slides before the lens from the left, and may leave a corner free."""
    return _laid(picture, _flat(look), _COLUMNS / WIDTH_PX, since_s, 0.93 + 0.07 * look[3])


def _tape(picture: Image, since_s: float, look: Look) -> Image:
    """Strips from the top that leave up to a third of the picture free."""
    return _laid(picture, _flat(look), _ROWS / HEIGHT_PX, since_s, 0.68 + 0.32 * look[3])


def _hand(picture: Image, since_s: float, look: Look) -> Image:
    """A palm from the right: warm, blurred, lighter between the fingers, never quite still."""
    tremble = 4.0 * math.sin(5.3 * since_s) + 2.0 * math.sin(11.9 * since_s)
    fingers = np.cos((_ROWS + tremble) / 23.0) * (_COLUMNS < WIDTH_PX * 0.6)
    level = (35.0 + 90.0 * look[0]) * (0.9 + 0.1 * fingers) + 0.06 * (_COLUMNS + tremble)
    skin = level[:, :, None] * np.array((0.75, 0.88, 1.1), np.float32)
    soft = np.asarray(cv2.GaussianBlur(skin, (0, 0), 9.0), np.float32)
    return _laid(picture, soft, 1.0 - _COLUMNS / WIDTH_PX, since_s, 0.85 + 0.15 * look[3])


def _bag(picture: Image, since_s: float, look: Look) -> Image:
    """A plastic bag: light and a breath of the scene come through; it stirs."""
    near = cv2.GaussianBlur(picture, (0, 0), 30.0).astype(np.float32)
    sway = 8.0 * math.sin(1.1 * since_s)
    folds = 10.0 * np.sin((_COLUMNS + 0.4 * _ROWS + sway) / 41.0 + 6.0 * look[2])
    plastic = 0.25 * near + (60.0 + 80.0 * look[0]) + folds[:, :, None]
    return _laid(picture, plastic, 1.0 - _ROWS / HEIGHT_PX, since_s, 1.0)


def _paint(picture: Image, since_s: float, look: Look) -> Image:
    """Paint on the dome: blots that grow together."""
    rng = np.random.default_rng(int(look[2] * 1e6))
    small = rng.normal(0.0, 1.0, (HEIGHT_PX // 24 + 2, WIDTH_PX // 24 + 2)).astype(np.float32)
    blots = cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    reach = -2.0 + (3.2 + look[3]) * min(since_s / _SPRAY_S, 1.0)
    share = np.asarray(cv2.GaussianBlur((blots < reach).astype(np.float32), (0, 0), 5.0))[..., None]
    flat = _flat(look) + 3.0 * blots[:, :, None]
    left = np.float32(1.0) - share
    return _drawn(np.asarray(picture.astype(np.float32) * left + flat * share, np.float32))


def _flat(look: Look) -> Floats:
    tone = 12.0 + 150.0 * look[0] ** 2
    tint = np.array((0.9 + 0.2 * look[3], 1.0, 0.9 + 0.2 * look[2]), np.float32)
    fall = np.float32(0.85) + np.float32(0.25) * _COLUMNS / WIDTH_PX
    return np.asarray(tone * tint * fall[:, :, None], np.float32)


def _laid(picture: Image, cover: Floats, along: Floats, since_s: float, share: float) -> Image:
    """Return the picture with `cover` over what lies before `share` of the way `along` it."""
    reach = share * min(since_s / _ONSET_S, 1.0)
    return _drawn(np.where((along < reach)[:, :, None], cover, picture.astype(np.float32)))


def _drawn(picture: Floats) -> Image:
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


COVERS: dict[str, Cover] = {
    "cloth": _cloth,
    "tape": _tape,
    "hand": _hand,
    "bag": _bag,
    "paint": _paint,
}
