"""Every limit of the protocol that is a pure matter: one below, at, and one above it."""

from __future__ import annotations

import json
import struct

import pytest

from core.errors import DecodeError, PermanentError
from core.frames import HEADER, MAX_JPEG_BYTES, decode_frame
from core.topics import PARTITIONS, Kind, check_device_id, parse, partition
from core.wire import (
    MAX_EVENTS,
    MAX_ID_CHARS,
    MAX_MESSAGE_BYTES,
    MAX_SEQ,
    decode_events,
    decode_reply,
    decode_status,
    exact_event,
)

AT = "2026-11-22T10:00:00.123Z"


def event(seq: int = 1, **data: object) -> dict[str, object]:
    return {"seq": seq, "type": "door.opened", "at": AT, "data": data}


def padded(message: dict[str, object], field: str, size: int) -> bytes:
    """Return `message` as JSON of exactly `size` bytes, with an x-filled string in `field`."""
    bare = len(json.dumps({**message, field: {"x": ""}}))
    return json.dumps({**message, field: {"x": "x" * (size - bare)}}).encode()


def reason_of(payload: bytes) -> list[str]:
    return [error.reason for error in decode_events(payload).errors]


def test_the_protocols_numbers() -> None:
    assert MAX_MESSAGE_BYTES == 65_536
    assert MAX_EVENTS == 64
    assert MAX_SEQ == 9_223_372_036_854_775_807
    assert MAX_JPEG_BYTES == 1_048_576
    assert PARTITIONS == 64
    assert HEADER.size == 16


AROUND_64_KIB = [
    (MAX_MESSAGE_BYTES - 1, True),
    (MAX_MESSAGE_BYTES, True),
    (MAX_MESSAGE_BYTES + 1, False),
]


@pytest.mark.parametrize(("size", "good"), AROUND_64_KIB)
def test_an_event_of_64_kib(size: int, good: bool) -> None:
    payload = padded(event(7), "data", size)
    assert len(payload) == size
    decoded = decode_events(payload)
    assert [one.seq for one in decoded.events] == ([7] if good else [])
    assert [(e.reason, e.seq) for e in decoded.errors] == ([] if good else [("size", 7)])
    assert (exact_event(payload) is not None) is good, "the quick way keeps the same limit"


@pytest.mark.parametrize(("size", "good"), AROUND_64_KIB)
def test_an_array_of_64_kib(size: int, good: bool) -> None:
    first = json.dumps(event(1)).encode()
    payload = b"[" + first + b"," + padded(event(2), "data", size - len(first) - 3) + b"]"
    assert len(payload) == size
    assert len(decode_events(payload).events) == (2 if good else 0)


@pytest.mark.parametrize(("size", "good"), AROUND_64_KIB)
def test_a_status_and_a_reply_of_64_kib(size: int, good: bool) -> None:
    status = padded({"online": True}, "more", size)
    reply = padded({"id": "c1", "ok": True}, "data", size)
    if good:
        assert decode_status(status).online
        assert decode_reply(reply).ok
        return
    for decode, payload in ((decode_status, status), (decode_reply, reply)):
        with pytest.raises(DecodeError, match="size"):
            decode(payload)


@pytest.mark.parametrize(
    ("n", "good"),
    [(0, False), (1, True), (2, True), (MAX_EVENTS - 1, True), (MAX_EVENTS, True),
     (MAX_EVENTS + 1, False)],
)  # fmt: skip
def test_an_array_of_1_to_64(n: int, good: bool) -> None:
    payload = json.dumps([event(seq) for seq in range(n)]).encode()
    assert len(decode_events(payload).events) == (n if good else 0)
    assert set(reason_of(payload)) == (set() if good else {"count"})


@pytest.mark.parametrize(
    ("seq", "good"),
    [(-1, False), (0, True), (1, True), (MAX_SEQ - 1, True), (MAX_SEQ, True),
     (MAX_SEQ + 1, False)],
)  # fmt: skip
def test_a_seq_of_63_bits(seq: int, good: bool) -> None:
    payload = json.dumps(event(seq)).encode()
    assert [one.seq for one in decode_events(payload).events] == ([seq] if good else [])
    assert reason_of(payload) == ([] if good else ["schema"])
    assert (exact_event(payload) is not None) is good


@pytest.mark.parametrize(("n", "told"), [(1023, 1023), (1024, 1024), (1025, 1024)])
def test_of_a_message_refused_whole_1024_seqs_are_told(n: int, told: int) -> None:
    payload = json.dumps([event(seq) for seq in range(n)]).encode()
    assert [error.seq for error in decode_events(payload).errors] == list(range(told))


@pytest.mark.parametrize(
    ("chars", "good"), [(3, False), (4, True), (5, True), (39, True), (40, True), (41, False)]
)
def test_a_device_id_of_4_to_40(chars: int, good: bool) -> None:
    device = "d" * chars
    topic = f"dg/v1/{partition(device)}/{device}/event"
    if good:
        assert check_device_id(device) == device
        assert parse(topic).device == device
        return
    with pytest.raises(PermanentError):
        check_device_id(device)
    with pytest.raises(DecodeError, match="topic"):
        parse(topic)


@pytest.mark.parametrize("edge", "az09")
def test_the_edges_of_the_alphabet_are_inside(edge: str) -> None:
    assert check_device_id(edge * 4) == edge * 4
    assert check_device_id(f"a-{edge}-") == f"a-{edge}-"


@pytest.mark.parametrize("beyond", "`{/:@[AZ_.")
def test_their_neighbours_in_ascii_are_outside(beyond: str) -> None:
    for device in (beyond * 4, f"abcd{beyond}"):
        with pytest.raises(PermanentError):
            check_device_id(device)


def test_an_id_does_not_begin_with_a_hyphen() -> None:
    with pytest.raises(PermanentError):
        check_device_id("-abc")
    assert check_device_id("a---") == "a---"


def test_64_partitions_and_each_device_in_its_own() -> None:
    devices = [f"camera-{number}" for number in range(2000)]
    assert {partition(device) for device in devices} == {f"{n:02x}" for n in range(64)}
    device = devices[0]
    own = int(partition(device), 16)
    for part in (own - 1, own + 1, 64, 255):
        with pytest.raises(DecodeError, match="topic"):
            parse(f"dg/v1/{part % 256:02x}/{device}/{Kind.EVENT}")


def frame(size: int, *, version: int = 1, at_us: int = 1) -> bytes:
    jpeg = b"\xff\xd8\xff" + bytes(size - 3)
    return struct.pack(">BBHIQ", version, 0, 0, 1, at_us) + jpeg


@pytest.mark.parametrize(
    ("size", "good"),
    [(3, True), (MAX_JPEG_BYTES - 1, True), (MAX_JPEG_BYTES, True), (MAX_JPEG_BYTES + 1, False)],
)
def test_a_frame_of_1_mib(size: int, good: bool) -> None:
    if good:
        assert len(decode_frame(frame(size)).jpeg) == size
        return
    with pytest.raises(DecodeError, match="frame_size"):
        decode_frame(frame(size))


@pytest.mark.parametrize(
    ("size", "reason"), [(15, "frame_short"), (16, "frame_jpeg"), (17, "frame_jpeg")]
)
def test_a_header_of_16_bytes(size: int, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_frame(frame(4)[:size])


@pytest.mark.parametrize(("version", "good"), [(0, False), (1, True), (2, False)])
def test_a_frame_of_version_1(version: int, good: bool) -> None:
    if good:
        assert decode_frame(frame(4, version=version)).number == 1
        return
    with pytest.raises(DecodeError, match="frame_version"):
        decode_frame(frame(4, version=version))


@pytest.mark.parametrize(
    ("battery", "good"), [(-1, False), (0, True), (1, True), (99, True), (100, True), (101, False)]
)
def test_a_battery_of_0_to_100(battery: int, good: bool) -> None:
    payload = json.dumps({"online": True, "battery": battery}).encode()
    if good:
        assert decode_status(payload).battery == battery
        return
    with pytest.raises(DecodeError, match="schema"):
        decode_status(payload)


@pytest.mark.parametrize(
    ("chars", "good"),
    [(0, False), (1, True), (MAX_ID_CHARS - 1, True), (MAX_ID_CHARS, True),
     (MAX_ID_CHARS + 1, False)],
)  # fmt: skip
def test_a_commands_id_in_a_reply(chars: int, good: bool) -> None:
    payload = json.dumps({"id": "c" * chars, "ok": True}).encode()
    if good:
        assert decode_reply(payload).id == "c" * chars
        return
    with pytest.raises(DecodeError, match="schema"):
        decode_reply(payload)
