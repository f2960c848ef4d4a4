"""The frame header: as the protocol lays it out, and any bytes are a frame or an error."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from core.frames import MAX_JPEG_BYTES, Frame, decode_frame, encode_frame

SOI = b"\xff\xd8\xff"


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 7_258_118_400_000_000),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=64),
)
def test_a_frame_comes_back(
    number: int, at: int, infrared: bool, motion: bool, body: bytes
) -> None:
    frame = Frame(number, at, infrared, motion, SOI + body)
    assert decode_frame(encode_frame(frame)) == frame


def test_the_header_is_the_one_independent_clients_pack() -> None:
    payload = struct.pack(">BBHIQ", 1, 3, 0, 7, 1_700_000_000_000_000) + SOI
    frame = decode_frame(payload)
    assert (frame.number, frame.infrared, frame.motion) == (7, True, True)
    assert frame.captured_at.isoformat() == "2023-11-14T22:13:20+00:00"


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_an_error(payload: bytes) -> None:
    try:
        decode_frame(payload)
    except DecodeError as error:
        assert error.reason.startswith("frame_")


@pytest.mark.parametrize(("extra", "good"), [(0, True), (1, False)])
def test_size_limit(extra: int, good: bool) -> None:
    payload = struct.pack(">BBHIQ", 1, 0, 0, 1, 1) + SOI + bytes(MAX_JPEG_BYTES - 3 + extra)
    if good:
        assert len(decode_frame(payload).jpeg) == MAX_JPEG_BYTES
    else:
        with pytest.raises(DecodeError, match="frame_size"):
            decode_frame(payload)
