"""A made film: one visitor in front of a wall with pictures, from a camera with a little noise."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

FPS = 10
ENTER, EXIT, FRAMES = 60, 230, 280  # somebody for 17 s
SIZE = (320, 180)


def door_pictures() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(8)
    coarse = rng.integers(70, 190, (18, 32, 3)).astype(np.uint8)
    wall = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_NEAREST)
    coat = rng.integers(0, 60, (120, 40, 3)).astype(np.uint8)
    for number in range(FRAMES):
        picture = wall.copy()
        if ENTER <= number < EXIT:
            left = 140 + round(8 * np.sin(number / 4))
            picture[40:160, left : left + 40] = coat
        noisy = picture + rng.normal(0, 2, picture.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)
