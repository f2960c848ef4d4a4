"""Where a page of the history ended, as an opaque word.

A cursor names the last row given, not a count of rows, so that rows written meanwhile neither
repeat nor hide one.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import PermanentError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECODER = msgspec.json.Decoder(tuple[int, str, int, str])
_MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """The key of the last row given."""

    at: datetime
    device_id: str
    seq: int
    source: str


def encode(cursor: Cursor) -> str:
    """Return the URL-safe word of a cursor."""
    at_us = (cursor.at - _EPOCH) // timedelta(microseconds=1)
    raw = msgspec.json.encode((at_us, cursor.device_id, cursor.seq, cursor.source))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(word: str) -> Cursor:
    """Return the cursor; raise `PermanentError` on a word that `encode` never made."""
    try:
        raw = base64.b64decode(
            word.encode("ascii") + b"=" * (-len(word) % 4), altchars=b"-_", validate=True
        )
        at_us, device_id, seq, source = _DECODER.decode(raw)
        at = _EPOCH + timedelta(microseconds=at_us)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, OverflowError) as error:
        raise PermanentError("this cursor was not made here") from error
    if not 0 <= seq <= _MAX_SEQ or "\0" in device_id + source:
        raise PermanentError("this cursor was not made here")
    return Cursor(at, device_id, seq, source)
