"""A copy of a picture with what the detector saw drawn on it; the original stays as it is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import PermanentError
from core.evidence import Picture

Image = npt.NDArray[np.uint8]

_SUBJECT, _OTHERS, _TEXT = (40, 40, 230), (220, 160, 40), (255, 255, 255)  # BGR
_QUALITY = 88


def decoded(jpeg: bytes) -> Image:
    """Return (h, w, 3) uint8 BGR; raise `PermanentError` for what is no picture."""
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PermanentError(f"the picture cannot be read: {error}") from None
    if image is None:
        raise PermanentError("the picture cannot be read")
    return np.asarray(image, np.uint8)


def annotated(image: Image, picture: Picture, track: int, timezone: str) -> Image:
    """Return a copy with the boxes of that moment, the one this is about in red, and its time."""
    drawn = image.copy()
    high, wide = drawn.shape[:2]
    stroke = max(2, round(high / 360))
    for box in picture.boxes:
        corner = (round(box.x * wide), round(box.y * high))
        opposite = (round((box.x + box.w) * wide), round((box.y + box.h) * high))
        colour = _SUBJECT if box.track == track else _OTHERS
        cv2.rectangle(drawn, corner, opposite, colour, stroke, cv2.LINE_AA)
        _write(drawn, f"{box.track}", (corner[0], max(corner[1] - 6, 14)), colour)
    text = _caption(picture.captured_at, timezone) + ("  IR" if picture.infrared else "")
    bar = max(18, round(high / 24))
    drawn[high - bar :] = drawn[high - bar :] // 4
    _write(drawn, text, (6, high - bar // 3), _TEXT)
    return drawn


def annotated_jpeg(jpeg: bytes, picture: Picture, track: int, timezone: str) -> bytes:
    """Return the drawn copy as a JPEG."""
    drawn = annotated(decoded(jpeg), picture, track, timezone)
    return bytes(cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def _caption(at: datetime, timezone: str) -> str:
    local = at.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 100_000} {local:%z}"


def _write(image: Image, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    size = image.shape[0] / 1000
    cv2.putText(
        image, text, at, cv2.FONT_HERSHEY_SIMPLEX, max(size, 0.4), colour, 1 + round(size),
        cv2.LINE_AA,
    )  # fmt: skip
