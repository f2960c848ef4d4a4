"""The frame message: a 16-byte header, then a JPEG of at most 1 MiB.

Header, big-endian `>BBHIQ`: version 1; flags (bit 0 infrared, bit 1 the device sensed motion);
reserved 0; frame number; capture time in microseconds since the epoch.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.errors import DecodeError

HEADER = struct.Struct(">BBHIQ")
VERSION = 1
FLAG_INFRARED = 1
FLAG_MOTION = 2
MAX_JPEG_BYTES = 1 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CAPTURE_US = int((datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 1_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the camera sent it; `jpeg` is not yet decoded and may be damaged."""

    number: int
    captured_at_us: int
    infrared: bool
    motion: bool
    jpeg: bytes

    @property
    def captured_at(self) -> datetime:
        """Capture time by the camera's clock, aware UTC."""
        return _EPOCH + timedelta(microseconds=self.captured_at_us)


def encode_frame(frame: Frame) -> bytes:
    """Return the payload of a `frame` message."""
    flags = (FLAG_INFRARED if frame.infrared else 0) | (FLAG_MOTION if frame.motion else 0)
    return HEADER.pack(VERSION, flags, 0, frame.number & 0xFFFFFFFF, frame.captured_at_us) + (
        frame.jpeg
    )


def decode_frame(payload: bytes) -> Frame:
    """Return the frame, or raise `DecodeError` (`frame_short`, `frame_version`, `frame_time`,
    `frame_size`, `frame_jpeg`). The JPEG's inside is the detector's to judge.
    """
    if len(payload) < HEADER.size:
        raise DecodeError("frame_short", f"{len(payload)} bytes, the header alone has 16")
    version, flags, _reserved, number, captured_at_us = HEADER.unpack_from(payload)
    if version != VERSION:
        raise DecodeError("frame_version", f"version {version}")
    if captured_at_us > _MAX_CAPTURE_US:
        raise DecodeError("frame_time", f"{captured_at_us} µs is past the year 2200")
    size = len(payload) - HEADER.size
    if size > MAX_JPEG_BYTES:
        raise DecodeError("frame_size", f"{size} bytes of JPEG, at most {MAX_JPEG_BYTES}")
    jpeg = payload[HEADER.size :]
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise DecodeError("frame_jpeg", "does not begin like a JPEG")
    return Frame(
        number=number,
        captured_at_us=captured_at_us,
        infrared=bool(flags & FLAG_INFRARED),
        motion=bool(flags & FLAG_MOTION),
        jpeg=jpeg,
    )
