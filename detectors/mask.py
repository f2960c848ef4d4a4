"""Privacy masks: parts of the picture that nobody may see, gone before anything is kept.

The working picture is blackened as soon as it is decoded, so no model, track or state on disk
knows what was there; an original is blackened when it leaves the worker.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from core.errors import DecodeError
from detectors.background import Mask
from detectors.decode import Grey
from detectors.zone import Polygon, fill

_QUALITY = 92  # a second compression that nobody sees


class PrivacyMask:
    """The masked part of one camera's working picture, made anew when its size changes."""

    def __init__(self, polygons: Sequence[Polygon] = ()) -> None:
        self.polygons = tuple(polygons)
        self._hidden: Mask | None = None

    def hidden(self, grey: Grey) -> Mask | None:
        """Return 255 where nothing may be seen, (h, w) as `grey`; None where all may."""
        if not self.polygons:
            return None
        if self._hidden is None or self._hidden.shape != grey.shape:
            self._hidden = fill(self.polygons, *grey.shape)
        return self._hidden


def burn(jpeg: bytes, polygons: Sequence[Polygon]) -> bytes:
    """Return the picture with the polygons black and no metadata, which may hold a small copy of
    it; without polygons the very bytes that came. Raises `DecodeError` (`jpeg`).
    """
    if not polygons:
        return jpeg
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise DecodeError("jpeg", str(error)[:200]) from None
    if picture is None:
        raise DecodeError("jpeg", "not readable")
    picture[fill(polygons, picture.shape[0], picture.shape[1]) > 0] = 0
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
