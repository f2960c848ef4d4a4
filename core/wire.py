"""Messages of device protocol v1, decoded from and encoded to JSON.

Any bytes give a message or a `DecodeError` with a named reason. `data` is kept untouched, as the
bytes that came; unknown fields are dropped with a count. Limits: a message 64 KiB, an array 64
events, `seq` from 0 to 2^63-1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from core.catalogue import CATALOGUE, Source
from core.errors import DecodeError

MAX_MESSAGE_BYTES = 64 * 1024
MAX_EVENTS = 64
MAX_SEQ = 2**63 - 1
MAX_ID_CHARS = 128

MessageT = TypeVar("MessageT")

Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


def _empty() -> msgspec.Raw:
    return msgspec.Raw(b"{}")


class EventMessage(msgspec.Struct, frozen=True, gc=False):
    """One event as a device sends it, on `alarm`, `event`, `finding` or `finding/alarm`."""

    seq: Seq
    type: str
    at: AwareTime
    data: msgspec.Raw = msgspec.field(default_factory=_empty)
    ack: bool = False


class _ExactEvent(EventMessage, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same, and nothing else beside it: what nearly every device sends."""


class Status(msgspec.Struct, frozen=True, gc=False):
    """Retained state of a device; its last will is `{"online":false}`."""

    online: bool
    fw: str | None = None
    battery: Percent | None = None
    rssi: int | None = None
    config_version: int | None = None


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Answer of a device to a command."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
    ok: bool
    data: msgspec.Raw = msgspec.field(default_factory=_empty)


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """One event that was refused and why; sending it again gives the same answer."""

    seq: int
    reason: str


class Ack(msgspec.Struct, frozen=True, gc=False):
    """What is safe with us and what was refused; goes down on `ack`, after commit.

    `mode` is `lifeline` where the database was away: the alarm stands in a journal on disk, and
    somebody is being paged. Any other ack has none.
    """

    stored: list[int] = []
    rejected: list[Rejected] = []
    mode: Literal["lifeline"] | msgspec.UnsetType = msgspec.UNSET


class Command(msgspec.Struct, frozen=True, gc=False):
    """A command; a device ignores it after `expires_at`."""

    id: str
    type: str
    data: msgspec.Raw
    expires_at: AwareTime


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one payload held: good events, refusals beside them, and dropped unknown fields."""

    events: list[EventMessage]
    errors: list[DecodeError]
    unknown_fields: int = 0


_EVENT = msgspec.json.Decoder(EventMessage)
_EXACT = msgspec.json.Decoder(_ExactEvent)
_OBJECT = msgspec.json.Decoder(dict)
_STATUS = msgspec.json.Decoder(Status)
_REPLY = msgspec.json.Decoder(Reply)
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANSWERED = 1024  # of a message refused as a whole, at most so many seqs are told
_ANY = msgspec.json.Decoder()
_SEQ_FIELD = re.compile(rb'"seq"\s*:\s*(\d{1,19})(?![\d.eE])')
_ENCODER = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Return the JSON bytes of any message of this module."""
    return _ENCODER.encode(message)


def _printable(error: Exception) -> str:
    return str(error)[:300]


def _check_size(payload: bytes) -> None:
    if len(payload) > MAX_MESSAGE_BYTES:
        raise DecodeError("size", f"{len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")


def _readable_seq(raw: bytes) -> int | None:
    """Find a `seq` in bytes that failed to decode, so that the device can be told."""
    try:
        seq = _FIELDS.decode(raw).get("seq")
        found = re.fullmatch(rb"\d{1,19}", bytes(seq)) if seq is not None else None
        value = int(found.group()) if found else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        match = _SEQ_FIELD.search(raw)
        value = int(match.group(1)) if match else None
    return value if value is not None and value <= MAX_SEQ else None


def _decode_one(raw: bytes, source: Source) -> tuple[EventMessage, int]:
    try:
        event = _EVENT.decode(raw)
        fields = _FIELDS.decode(raw)
        data = _ANY.decode(event.data)  # the database refuses what a lenient skip lets through
        bytes(event.data).decode("utf-8")
    except msgspec.ValidationError as error:
        raise DecodeError("schema", _printable(error), seq=_readable_seq(raw)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("json", _printable(error), seq=_readable_seq(raw)) from None
    except RecursionError:
        raise DecodeError("json", "nested too deep", seq=_readable_seq(raw)) from None
    except (ValueError, OverflowError) as error:
        raise DecodeError("schema", _printable(error), seq=_readable_seq(raw)) from None
    if not isinstance(data, dict):
        raise DecodeError("schema", "data is not an object - at `$.data`", seq=event.seq)
    row = CATALOGUE.get(event.type)
    if row is None:
        raise DecodeError("type", f"unknown event type {event.type[:60]!r}", seq=event.seq)
    if row.source is not source:
        raise DecodeError("source", f"{event.type} is not for a {source} to report", seq=event.seq)
    try:
        at = event.at.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset that leaves the calendar
        raise DecodeError("time", "at is outside the calendar", seq=event.seq) from None
    unknown = sum(name not in EventMessage.__struct_fields__ for name in fields)
    return msgspec.structs.replace(event, at=at), unknown


def exact_event(payload: bytes, *, source: Source = Source.DEVICE) -> EventMessage | None:
    """Decode one event that breaks no rule and has no unknown field: the common case, made quick.

    None says nothing but "look closer": `decode_events` then tells what there is to tell.
    """
    try:
        event = _EXACT.decode(payload)
        _OBJECT.decode(event.data)
        if not payload.isascii():
            bytes(event.data).decode()
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None
    row = CATALOGUE.get(event.type)
    if row is None or row.source is not source or len(payload) > MAX_MESSAGE_BYTES:
        return None
    return event if event.at.tzinfo is UTC else None


def decode_events(payload: bytes, *, source: Source = Source.DEVICE, array: bool = True) -> Decoded:
    """Decode an event, or an array of 1 to 64 where `array` allows one.

    A payload that is no JSON at all gives one error; a bad element of an array gives an error
    of its own and never stops its neighbours. Never raises on any bytes.
    """
    try:
        _check_size(payload)
        raws = _split(payload, array=array)
    except DecodeError as error:
        seqs = _SEQ_FIELD.findall(payload)[:_ANSWERED]
        told = [DecodeError(error.reason, error.detail, seq=int(seq)) for seq in seqs]
        return Decoded([], [one for one in told if (one.seq or 0) <= MAX_SEQ] or [error])
    events: list[EventMessage] = []
    errors: list[DecodeError] = []
    dropped = 0
    for raw in raws:
        try:
            event, unknown = _decode_one(raw, source)
        except DecodeError as error:
            errors.append(error)
        else:
            events.append(event)
            dropped += unknown
    return Decoded(events, errors, dropped)


def _split(payload: bytes, *, array: bool) -> list[bytes]:
    if not payload.lstrip(b" \t\r\n").startswith(b"["):
        return [payload]
    if not array:
        raise DecodeError("schema", "one event is expected here, not an array")
    try:
        raws = [bytes(raw) for raw in _RAW_LIST.decode(payload)]
    except msgspec.MsgspecError as error:
        raise DecodeError("json", _printable(error)) from None
    except RecursionError:
        raise DecodeError("json", "nested too deep") from None
    if not 1 <= len(raws) <= MAX_EVENTS:
        raise DecodeError("count", f"{len(raws)} events in an array, 1 to {MAX_EVENTS} are allowed")
    return raws


def decode_status(payload: bytes) -> Status:
    """Return the status, or raise `DecodeError` (`size`, `json`, `schema`)."""
    return _decode(_STATUS, payload)


def decode_reply(payload: bytes) -> Reply:
    """Return the reply, or raise `DecodeError` (`size`, `json`, `schema`)."""
    return _decode(_REPLY, payload)


def _decode(decoder: msgspec.json.Decoder[MessageT], payload: bytes) -> MessageT:
    _check_size(payload)
    try:
        payload.decode("utf-8")
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", _printable(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("json", _printable(error)) from None
    except RecursionError:
        raise DecodeError("json", "nested too deep") from None
