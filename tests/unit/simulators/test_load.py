"""The load generator keeps the protocol: real packets and events, and an outbox."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from core.topics import Kind, device_root
from core.wire import decode_events
from simulators import packets
from simulators.packets import Reader
from simulators.reporting import PAYLOAD_BYTES, Reporter, payload

AT = b"2026-11-22T10:00:00.123Z"
FIRST = 1_763_848_041_123_456
DEVICE = "door-cam-1"
TOPIC = f"{device_root(DEVICE)}/{Kind.ACK}".encode()


def reporter(ack_every: int = 1) -> Reporter:
    return Reporter(DEVICE, first_seq=FIRST, ack_every=ack_every)


def report(one: Reporter, n: int, *, now_s: float = 0.0) -> bytes:
    return b"".join(one.report(AT, due_s=now_s, now_s=now_s) for _ in range(n))


def published(stream: bytes) -> list[tuple[int, int, bool]]:
    """Return (packet id, seq, asks) of each PUBLISH, read by the standard's rules."""
    found = []
    while stream:
        assert stream[0] == 0x32
        length = at = 0
        while True:
            at += 1
            length |= (stream[at] & 0x7F) << 7 * (at - 1)
            if stream[at] < 0x80:
                break
        body, stream = stream[at + 1 : at + 1 + length], stream[at + 1 + length :]
        size, packet_id = struct.unpack_from(">H", body)[0], 0
        assert body[2 : 2 + size].decode() == f"{device_root(DEVICE)}/event"
        (packet_id,) = struct.unpack_from(">H", body, 2 + size)
        event = json.loads(body[4 + size :])
        found.append((packet_id, event["seq"], event.get("ack", False)))
    return found


def ack(*stored: int, rejected: tuple[int, ...] = ()) -> bytes:
    refused = [{"seq": seq, "reason": "schema"} for seq in rejected]
    return json.dumps({"stored": stored, "rejected": refused}).encode()


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("seq", range(FIRST, FIRST + 4))
def test_every_event_is_a_good_one_of_200_bytes(seq: int, asks: bool) -> None:
    body = payload(seq, AT, asks=asks)
    assert len(body) == PAYLOAD_BYTES
    decoded = decode_events(body)
    assert not decoded.errors
    assert not decoded.unknown_fields
    assert [(event.seq, event.ack) for event in decoded.events] == [(seq, asks)]


def test_what_is_reported_is_what_the_broker_reads() -> None:
    got = published(report(reporter(ack_every=3), 4))
    assert got == [(n + 1, FIRST + n, n == 2) for n in range(4)]


def test_devices_need_not_ask_in_step() -> None:
    one = Reporter(DEVICE, first_seq=FIRST, ack_every=3, first_ask=1)
    assert [asks for _, _, asks in published(report(one, 7))] == [n % 3 == 0 for n in range(7)]


def test_packet_ids_are_never_zero() -> None:
    one = reporter()
    one._packet_id = 65534
    assert [packet for packet, _, _ in published(report(one, 3))] == [65535, 1, 2]


def test_an_event_is_owed_until_its_own_seq_is_told() -> None:
    one = reporter()
    report(one, 3, now_s=5.0)
    assert one.acknowledge(ack(FIRST + 2), 5.5) == [(5.0, 0.5)]
    assert list(one.owed) == [FIRST, FIRST + 1]
    assert one.acknowledge(ack(FIRST + 2, FIRST + 99), 6.0) == []
    one.acknowledge(ack(rejected=(FIRST,)), 6.0)
    assert (list(one.owed), one.rejected) == ([FIRST + 1], 1)


def test_what_is_owed_is_sent_again_with_the_same_bytes_after_ten_seconds() -> None:
    one = reporter(ack_every=2)
    first = [event[1:] for event in published(report(one, 4, now_s=0.0))]
    assert one.again(9.9) == b""
    assert [event[1:] for event in published(one.again(10.0))] == first
    assert one.resent == 4
    one.acknowledge(ack(FIRST + 1), 11.0)
    assert [event[1:] for event in published(one.again(20.0))] == first[2:]


def test_a_new_session_begins_with_all_that_is_owed_and_what_has_not_asked_yet() -> None:
    one = reporter(ack_every=2)
    first = [event[1:] for event in published(report(one, 5))]
    assert not one.asking
    assert [event[1:] for event in published(one.reconnected(1.0))] == first
    asked = published(one.report(AT, due_s=1.0, now_s=1.0, last=True))
    assert one.asking
    assert asked[0][2]


def test_what_is_no_ack_is_named() -> None:
    with pytest.raises(DecodeError, match="ack"):
        reporter().acknowledge(b"[1]", 0.0)


SERVED = (
    b"\x20\x02\x00\x00"  # CONNACK
    b"\x90\x03\x00\x01\x00"  # SUBACK
    + b"\x40\x02\x00\x01" * 3
    + packets._packet(0x30, struct.pack(">H", len(TOPIC)) + TOPIC + b"x" * 200)
    + b"\xd0\x00"  # PINGRESP
    + b"\x40\x02\x00\x07"
)


@given(st.lists(st.integers(0, len(SERVED)), max_size=12))
def test_a_stream_cut_anywhere_reads_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(SERVED)]
    reader = Reader()
    heard = [reader.feed(SERVED[a:b]) for a, b in pairwise(edges) if a < b]
    assert sum(one.connected for one in heard) == 1
    assert sum(one.subscribed for one in heard) == 1
    assert sum(one.pubacks for one in heard) == 4
    assert [message for one in heard for message in one.messages or ()] == [(TOPIC, b"x" * 200)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        Reader().feed(data)
    except DecodeError as error:
        assert error.reason == "mqtt"


@pytest.mark.parametrize(
    "packet",
    [
        b"\x20\x02\x00\x05",
        b"\x90\x03\x00\x01\x80",
        b"\x32\x00",
        b"\x82\x00",
        b"\x30\xff\xff\xff\xff",
    ],
)
def test_what_a_broker_refuses_or_may_not_say_ends_the_connection(packet: bytes) -> None:
    with pytest.raises(DecodeError, match="mqtt"):
        Reader().feed(packet)


def test_a_connection_names_its_device_and_asks_for_its_answers() -> None:
    hello = packets.connect("door-cam-1", "door-cam-1", "secret", keepalive_s=60)
    assert hello[:2] == bytes((0x10, len(hello) - 2))
    assert hello[2:12] == b"\x00\x04MQTT\x04\xc2\x00\x3c"
    assert hello.endswith(b"\x00\x0adoor-cam-1\x00\x0adoor-cam-1\x00\x06secret")
    asked = packets.subscribe(1, ["a/b"])
    assert asked == b"\x82\x08\x00\x01\x00\x03a/b\x00"
    assert packets.publish_head("a", 123) == b"\x32\x80\x01\x00\x01a"
