"""What a camera looks at: pictures by time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.frames import MAX_JPEG_BYTES

Image = npt.NDArray[np.uint8]  # height x width x 3, BGR, 0 to 255
JPEG_QUALITY = 80


class Source(Protocol):
    """A scene or a film."""

    def at(self, t_s: float) -> bytes | None:
        """Return the JPEG seen `t_s` seconds after the start, None when the film has ended.

        Asked with rising times only.
        """
        ...


def frames(source: Source, fps: float, duration_s: float) -> Iterator[tuple[float, bytes]]:
    """Yield (seconds since the start, JPEG) at `fps`, as fast as they can be made."""
    for number in range(int(duration_s * fps)):
        jpeg = source.at(number / fps)
        if jpeg is None:
            return
        yield number / fps, jpeg


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """Return the JPEG bytes, at less quality where the protocol's 1 MiB would be passed."""
    while True:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if encoded.nbytes <= MAX_JPEG_BYTES or quality <= 10:
            return encoded.tobytes()
        quality -= 10
