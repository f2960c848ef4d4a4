"""Rows of `events` in PostgreSQL's binary COPY format; pure.

Packed here because it is the hot path: half the price of the driver's `write_row`
(docs/performance.md). The format is PostgreSQL's own: documentation of COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct

from core.model import Event

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIELDS = Struct(">h").pack(10)
_LENGTH = Struct(">i").pack
_EIGHT = _LENGTH(8)
_INT8 = Struct(">iq").pack
_NULL = _LENGTH(-1)
_BOOL = (_LENGTH(1) + b"\0", _LENGTH(1) + b"\1")
_RECEIPT_BYTES = 12 + 4 + 5  # received_at; reported_at, null; clock_off

_Fixed = tuple[Callable[..., bytes], bytes, bytes, bytes]


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


@lru_cache(maxsize=1 << 16)
def _fixed(household_id: str, device_id: str, source: str, event_type: str) -> _Fixed:
    """Return how to pack a row of one device and type up to its data, and what stays the same."""
    before_at = _FIELDS + _text(household_id) + _EIGHT
    before_seq = _text(device_id) + _EIGHT
    kind = _text(source) + _text(event_type)
    layout = f">{len(before_at)}sq{len(before_seq)}sq{len(kind)}s{_RECEIPT_BYTES}si"
    return Struct(layout).pack, before_at, before_seq, kind


def _time(value: datetime) -> bytes:
    return _INT8(8, (value - _EPOCH) // _MICROSECOND)


def pack(events: Iterable[Event]) -> bytes:
    """Return the whole COPY stream of `events`, in the column order of `copy_events`."""
    parts = [_HEADER]
    received: datetime | None = None
    receipt = b""
    for event in events:
        if event.received_at is not received:  # one moment for a whole batch
            received = event.received_at
            receipt = _time(received) + _NULL + _BOOL[False]
        data = event.data
        packed, before_at, before_seq, kind = _fixed(
            event.household_id, event.device_id, event.source, event.type
        )
        at_us = (event.at - _EPOCH) // _MICROSECOND
        if event.clock_off or event.reported_at is not None:
            parts += (
                before_at,
                at_us.to_bytes(8, signed=True),
                before_seq,
                event.seq.to_bytes(8, signed=True),
                kind,
                _time(event.received_at),
                _NULL if event.reported_at is None else _time(event.reported_at),
                _BOOL[event.clock_off],
                _LENGTH(len(data)),
                data,
            )
        else:
            parts += packed(before_at, at_us, before_seq, event.seq, kind, receipt, len(data)), data
    parts.append(_TRAILER)
    return b"".join(parts)
