from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from detectors.decode import decode_grey, size
from tests.unit.detectors.scene import Scene

JPEG = Scene().jpeg(0.0)


def _jpeg(width: int, height: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1])


@pytest.mark.parametrize(
    ("width", "height", "working"),
    [
        (1920, 1080, (135, 240)),
        (3840, 2160, (270, 480)),
        (1280, 720, (180, 320)),
        (640, 480, (120, 160)),
        (320, 240, (120, 160)),
        (160, 120, (120, 160)),
        (1080, 3000, (270, 97)),
    ],
)
def test_the_working_height_is_120_to_270(
    width: int, height: int, working: tuple[int, int]
) -> None:
    jpeg = _jpeg(width, height)
    assert size(jpeg) == (width, height)
    grey = decode_grey(jpeg)
    assert grey.shape == working
    assert grey.dtype == np.uint8
    assert abs(int(grey.mean()) - 90) <= 2


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_picture_is_refused(share: float) -> None:
    with pytest.raises(DecodeError, match="jpeg"):
        decode_grey(JPEG[: int(len(JPEG) * share)])


def test_padding_after_the_end_is_allowed() -> None:
    assert decode_grey(JPEG + b"\0" * 100).shape == (180, 320)


@pytest.mark.parametrize("jpeg", [_jpeg(4200, 4000), _jpeg(40, 40), b"", b"\xff\xd8\xff"])
def test_pictures_no_door_camera_sends_are_refused(jpeg: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_grey(jpeg)


@given(st.binary(max_size=300))
def test_any_bytes_after_a_jpeg_start_give_a_decode_error(tail: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_grey(b"\xff\xd8\xff" + tail)


@given(st.lists(st.tuples(st.integers(0, len(JPEG) - 1), st.integers(0, 255)), max_size=20))
def test_a_damaged_picture_gives_a_picture_or_a_decode_error(
    damage: list[tuple[int, int]],
) -> None:
    jpeg = bytearray(JPEG)
    for at, value in damage:
        jpeg[at] = value
    try:
        grey = decode_grey(bytes(jpeg))
    except DecodeError:
        return
    assert grey.ndim == 2
    assert grey.shape[0] <= 270
