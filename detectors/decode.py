"""Stage 1: a JPEG to a small grey picture.

libjpeg scales by 2, 4 or 8 while it decodes, so most of the inverse transform is never done: a
1080p picture costs about half of a full grey decode.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import DecodeError

Grey = npt.NDArray[np.uint8]

_MAX_PIXELS = 4096 * 4096  # 16 Mpx: above any door camera, below what would exhaust a worker
_MIN_SIDE_PX = 48
_MAX_WORKING_HEIGHT_PX = 270
# (least height of the picture, flag); the working height is 120 to 270
_REDUCTIONS = (
    (960, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (480, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (240, cv2.IMREAD_REDUCED_GRAYSCALE_2),
    (0, cv2.IMREAD_GRAYSCALE),
)
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_SOS, _EOI = 0xDA, b"\xff\xd9"


def decode_grey(jpeg: bytes) -> Grey:
    """Return the picture as (h, w) uint8, h at most 270; raise `DecodeError` (`jpeg`).

    A picture that ends early is refused: libjpeg would fill the rest with grey, and grey looks
    like somebody standing there.
    """
    width, height = size(jpeg)
    if min(width, height) < _MIN_SIDE_PX or width * height > _MAX_PIXELS:
        raise DecodeError("jpeg", f"{width}x{height} pixels")
    if not jpeg.endswith(_EOI) and not jpeg.rstrip(b"\0").endswith(_EOI):
        raise DecodeError("jpeg", "ends early")
    flag = next(flag for least, flag in _REDUCTIONS if height >= least)
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    except cv2.error as error:
        raise DecodeError("jpeg", str(error)[:200]) from None
    if picture is None:
        raise DecodeError("jpeg", "not readable")
    rows, columns = picture.shape
    if rows > _MAX_WORKING_HEIGHT_PX:
        scaled = (max(1, columns * _MAX_WORKING_HEIGHT_PX // rows), _MAX_WORKING_HEIGHT_PX)
        picture = cv2.resize(picture, scaled, interpolation=cv2.INTER_AREA)
    return np.asarray(picture, np.uint8)


def size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) from the frame header, nothing decoded; raise `DecodeError`."""
    if not jpeg.startswith(b"\xff\xd8"):
        raise DecodeError("jpeg", "does not begin like a JPEG")
    at = 2
    try:
        while True:
            if jpeg[at] != 0xFF:
                raise DecodeError("jpeg", f"no marker at byte {at}")
            marker = jpeg[at + 1]
            if marker == 0xFF:  # fill byte
                at += 1
            elif marker in _BARE:
                at += 2
            elif marker == _SOS:
                raise DecodeError("jpeg", "no frame header")
            elif marker in _SOF:
                height, width = struct.unpack_from(">HH", jpeg, at + 5)
                return width, height
            else:
                at += 2 + max(2, int.from_bytes(jpeg[at + 2 : at + 4], "big"))
    except (IndexError, struct.error):
        raise DecodeError("jpeg", "ends within its headers") from None
