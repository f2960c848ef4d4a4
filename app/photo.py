"""A photo from a telephone, made fit to keep: checked, turned upright, without its metadata."""

from __future__ import annotations

from core.errors import DecodeError, PermanentError
from detectors.decode import size

MAX_BYTES = 10 * 1024 * 1024
_MAX_PIXELS = 50_000_000  # what telephones take; a decoded pixel costs three bytes
_LONGEST_SIDE_PX = 2048
_QUALITY = 85


def cleaned(body: bytes) -> bytes:
    """Return the picture as a JPEG of at most 2048 pixels a side, with nothing else in it.

    Where it was taken, by which telephone, and whatever else stands beside the picture is gone:
    it is decoded, turned upright, and encoded anew. Raises `PermanentError`.
    """
    import cv2  # noqa: PLC0415 - 50 MB that only an upload needs
    import numpy as np  # noqa: PLC0415

    if len(body) > MAX_BYTES:
        raise PermanentError(f"a photo has at most {MAX_BYTES // 1024 // 1024} MiB", "photo.large")
    try:
        width, height = size(body)
    except DecodeError as error:
        raise PermanentError(f"this is no JPEG photo: {error.detail}", "photo.wrong") from None
    if width * height > _MAX_PIXELS:
        raise PermanentError(f"a photo of {width}x{height} pixels is too large", "photo.large")
    try:
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise PermanentError("this photo cannot be read", "photo.wrong")
    longest = max(picture.shape[:2])
    if longest > _LONGEST_SIDE_PX:
        scale = _LONGEST_SIDE_PX / longest
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise PermanentError("this photo cannot be kept", "photo.wrong")
    return encoded.tobytes()
