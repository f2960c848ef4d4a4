"""The decoder on any bytes split anywhere; the encoders by what the decoder reads back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.packets import (
    Publish,
    PublishDecoder,
    encode_pubacks,
    encode_publishes,
)
from tests.unit.gateway.scripted_broker import encode_length, packet, publish

LONGEST = 300
PINGRESP = b"\xd0\x00"


def decode(
    raw: bytes, sizes: list[int], longest: int = LONGEST
) -> tuple[list[Publish], bytes, str | None]:
    """Feed `raw` in pieces of `sizes`, over and over; return messages, other bytes, complaint."""
    decoder = PublishDecoder(longest)
    messages: list[Publish] = []
    others = b""
    at = turn = 0
    while at < len(raw):
        size = sizes[turn % len(sizes)]
        for piece in decoder.feed(raw[at : at + size]):
            if isinstance(piece, bytes):
                others += piece
            else:
                messages += piece
        assert len(decoder._partial) <= longest + 65_544, "memory is bounded"
        at += size
        turn += 1
    return messages, others, decoder.malformed


@given(st.binary(max_size=600), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_any_bytes_split_anywhere_mean_the_same(raw: bytes, sizes: list[int]) -> None:
    assert decode(raw, sizes) == decode(raw, [len(raw) or 1])


@given(
    st.lists(st.sampled_from([0, 1, 100, 117, 299, 300, 301, 100_000]), max_size=8),
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
def test_a_payload_too_long_is_cut_and_its_neighbours_are_whole(
    lengths: list[int], sizes: list[int]
) -> None:
    raw = b"".join(
        publish(b"a/b", bytes([n]) * length, packet_id=n + 1) + PINGRESP
        for n, length in enumerate(lengths)
    )
    messages, others, malformed = decode(raw, sizes)
    assert malformed is None
    assert others == PINGRESP * len(lengths)
    assert [(m[1], m[2], m[3]) for m in messages] == [
        ("a/b", n + 1, bytes([n]) * min(length, LONGEST)) for n, length in enumerate(lengths)
    ]


def test_a_large_packet_in_small_pieces_costs_no_more_than_its_length() -> None:
    payload = bytes(2 << 20)
    raw = publish(b"t", payload, packet_id=1)
    decoder = PublishDecoder(2 << 20)
    began_s = time.process_time()
    pieces = [decoder.feed(raw[at : at + 64]) for at in range(0, len(raw), 64)]
    assert time.process_time() - began_s < 3.0, "quadratic, it would copy 34 GB"
    assert [piece for found in pieces for piece in found if piece] == [[(0x32, "t", 1, payload)]]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\x00",
        b"\x30\x02\x00\x00",
        b"\x30\x03\x00\x00x",
        b"\x30\x03\x00\x02x",
        b"\x32\x04\x00\x01xy",
        b"\x30\xff\xff\xff\xff\x01",
        b"\xd0\xff\xff\xff\xff\x01",
        b"\x40" + encode_length(70_000),
    ],
    ids=["nothing", "no topic", "empty topic", "short", "half an id", "length", "length", "huge"],
)
def test_what_is_no_packet_ends_the_stream_behind_what_came_before(raw: bytes) -> None:
    before, after = publish(b"t", b"1"), publish(b"t", b"2")
    for size in (1, 1000):
        messages, others, malformed = decode(before + raw + after * 10, [size])
        assert messages == [(0x30, "t", 0, b"1")]
        assert others == b""
        assert malformed


def test_topics_are_shared_and_those_that_are_no_text_are_readable() -> None:
    decoder = PublishDecoder(LONGEST)
    raw = publish(b"t/1", b"") + publish(b"t/1", b"") + publish(b"t/\xff", b"")
    (messages,) = decoder.feed(raw)
    assert isinstance(messages, list)
    one, two, bad = messages
    assert one[1] is two[1]
    assert bad[1] == "t/\ufffd"


def test_the_shared_topics_are_bounded() -> None:
    decoder = PublishDecoder(LONGEST)
    for n in range(40_000):
        decoder.feed(publish(b"t/%d" % n, b""))
    decoder.feed(publish(b"long" * 1000, b""))
    assert len(decoder._topics) <= 32_768
    assert max(map(len, decoder._topics)) <= 256


@given(st.lists(st.integers(0, 65_535), max_size=20))
def test_pubacks(ids: list[int]) -> None:
    assert encode_pubacks(ids) == b"".join(packet(0x40, one.to_bytes(2)) for one in ids)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="+#", codec="utf-8"), min_size=1, max_size=40),
            st.binary(max_size=LONGEST),
        )
    ),
    st.integers(1, 400),
)
def test_publishes_read_back_as_they_were(messages: list[tuple[str, bytes]], bound: int) -> None:
    blobs = list(encode_publishes(messages, blob_bytes=bound))
    read, others, malformed = decode(b"".join(blobs), [1000])
    assert [(topic, payload) for _, topic, _, payload in read] == messages
    assert (others, malformed) == (b"", None)
    assert all(len(blob) < bound + 600 for blob in blobs)


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "x" * 65_536])
def test_a_topic_that_cannot_be_published_to_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="no topic"):
        list(encode_publishes([(topic, b"")], blob_bytes=100))
