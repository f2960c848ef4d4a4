"""Rows of `events` in PostgreSQL's binary COPY format; pure.

Packed here because it is the hot path: half the price of the driver's `write_row`
(docs/performance.md). The format is PostgreSQL's own: documentation of COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Iterable
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
_INT8 = Struct(">iq").pack
_NULL = _LENGTH(-1)
_BOOL = (_LENGTH(1) + b"\0", _LENGTH(1) + b"\1")


@lru_cache(maxsize=1 << 16)
def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


@lru_cache(maxsize=1 << 16)
def _first_fields(household_id: str) -> bytes:
    return _FIELDS + _text(household_id)


@lru_cache(maxsize=1 << 10)
def _kind(source: str, event_type: str) -> bytes:
    return _text(source) + _text(event_type)


def _time(value: datetime) -> bytes:
    return _INT8(8, (value - _EPOCH) // _MICROSECOND)


def pack(events: Iterable[Event]) -> bytes:
    """Return the whole COPY stream of `events`, in the column order of `copy_events`."""
    parts = [_HEADER]
    received: datetime | None = None
    received_bytes = receipt = b""
    for event in events:
        if event.received_at is not received:  # one moment for a whole batch
            received = event.received_at
            received_bytes = _time(received)
            receipt = received_bytes + _NULL + _BOOL[False]
        data = event.data
        parts += (
            _first_fields(event.household_id),
            _INT8(8, (event.at - _EPOCH) // _MICROSECOND),
            _text(event.device_id),
            _INT8(8, event.seq),
            _kind(event.source, event.type),
            receipt
            if not event.clock_off and event.reported_at is None
            else received_bytes + _reported(event),
            _LENGTH(len(data)),
            data,
        )
    parts.append(_TRAILER)
    return b"".join(parts)


def _reported(event: Event) -> bytes:
    reported = _NULL if event.reported_at is None else _time(event.reported_at)
    return reported + _BOOL[event.clock_off]
