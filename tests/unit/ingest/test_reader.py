"""A reader's order: what is past goes first, what was shed is never overtaken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from core.markers import KINDS, topics_of
from core.ports import Message
from ingest.sharing.reader import MAX_HELD_BYTES, Outlet, Reader
from ingest.sharing.sequence import by_seq

TOPIC = "dg/v1/00/door-cam-1/event"

TOPICS = [topic for kind in KINDS for topic in topics_of([0], kind)]


class Lane:
    def __init__(self, room: int = 1000) -> None:
        self.got: list[bytes] = []
        self.acknowledged: list[Message] = []
        self.shed: list[bytes] = []
        self.space = room
        outlet = Outlet(self._offer, lambda: self.space, self.acknowledged.extend, self._shed)
        self.reader = Reader(outlet, resume_s=5.0)

    def _offer(self, messages: Sequence[Message]) -> None:
        assert messages
        self.got += [message.payload for message in messages]
        self.space -= len(messages)

    def _shed(self, messages: Sequence[Message]) -> None:
        self.shed += [message.payload for message in messages]


def message(n: int, *, qos: int = 1) -> Message:
    return Message(TOPIC, b'{"seq":%d}' % n, n if qos else None)


def seqs(payloads: list[bytes]) -> list[int]:
    return [json.loads(payload)["seq"] for payload in payloads]


def test_a_new_session_waits_for_nothing() -> None:
    lane = Lane()
    lane.reader.connected(resumed=False, now_s=0.0)
    lane.reader.take([message(1), message(2)], 0.1)
    assert seqs(lane.got) == [1, 2]


def test_after_a_resumption_the_past_goes_first() -> None:
    """As NATS sends: the new at once, what was left each at its own time; twice, some of it."""
    lane = Lane()
    lane.reader.connected(resumed=True, now_s=0.0)
    lane.reader.take([message(5), message(6)], 0.1)
    lane.reader.take([message(4), message(7), message(3), message(5)], 4.0)
    assert not lane.reader.asks(4.9, b"", [])
    topics = TOPICS
    assert lane.reader.asks(5.0, b"past", topics)
    assert not lane.reader.asks(5.1, b"past", topics), "once"
    lane.reader.take([message(2), *(Message(topic, b"past", 90) for topic in topics)], 5.2)
    lane.reader.take([message(8)], 5.3)
    assert seqs(lane.got) == [2, 3, 4, 5, 5, 6, 7, 8]


def test_it_does_not_wait_for_markers_for_ever() -> None:
    lane = Lane()
    lane.reader.connected(resumed=True, now_s=0.0)
    lane.reader.take([message(5)], 0.1)
    assert lane.reader.asks(5.0, b"past", TOPICS)
    lane.reader.take([Message(TOPICS[0], b"past", 90)], 5.2)
    lane.reader.pump(6.9)
    assert lane.got == []
    lane.reader.pump(7.0)
    assert seqs(lane.got) == [5]


def test_what_is_not_kept_does_not_wait() -> None:
    lane = Lane()
    lane.reader.connected(resumed=True, now_s=0.0)
    lane.reader.take([message(1), message(2, qos=0)], 0.1)
    assert seqs(lane.got) == [2]


def test_a_full_lane_or_a_lease_run_out_holds_in_order() -> None:
    lane = Lane(room=2)
    lane.reader.connected(resumed=False, now_s=0.0)
    lane.reader.take([message(n) for n in range(1, 6)], 0.1)
    lane.space = 0
    lane.reader.take([message(6)], 0.2)
    lane.reader.pump(0.3)
    assert seqs(lane.got) == [1, 2]
    lane.space = 100
    lane.reader.take([message(7)], 0.4)
    assert seqs(lane.got) == list(range(1, 8))


def test_what_stands_behind_something_shed_is_shed_too_until_it_comes_again() -> None:
    lane = Lane(room=0)
    lane.reader.connected(resumed=False, now_s=0.0)
    lane.reader.take([message(2)], 0.1)
    lane.reader.overtaken()  # the lane had no room for 1
    lane.space = 100
    lane.reader.take([message(3)], 0.2)
    assert lane.reader.broken
    assert (lane.got, seqs(lane.shed)) == ([], [2, 3])
    lane.reader.connected(resumed=True, now_s=1.0)
    lane.reader.take([message(n) for n in (1, 2, 3)], 1.1)
    lane.reader.pump(8.0)
    assert not lane.reader.broken
    assert seqs(lane.got) == [1, 2, 3]


def test_a_flood_of_large_messages_is_shed_and_asked_for_again() -> None:
    lane = Lane(room=0)
    lane.reader.connected(resumed=False, now_s=0.0)
    big = b"x" * (MAX_HELD_BYTES // 4)
    lane.reader.take([Message(TOPIC, big, n) for n in range(4)], 0.1)
    assert not lane.reader.broken, "exactly the limit"
    lane.reader.take([Message(TOPIC, b"y", 9)], 0.2)
    assert lane.reader.broken
    assert lane.shed == [b"y"], "what is held goes on, only the surplus comes again"
    assert not lane.reader.owed
    lane.space = 100
    lane.reader.pump(0.3)
    assert len(lane.got) == 4
    assert lane.reader.owed


@given(st.lists(st.integers(1, 6), min_size=1, max_size=30))
def test_however_large_a_resumed_window_is_all_of_it_passes_in_the_end(sizes: list[int]) -> None:
    """Shed, asked for again, resumed, shed ...: every round makes some way."""
    lane = Lane(room=10_000)
    window = [
        Message(TOPIC, b'{"seq":%d}' % n + b" " * 250 * size, n)
        for n, size in enumerate(sizes, start=1)
    ]
    now_s = 0.0
    with patch("ingest.sharing.reader.MAX_HELD_BYTES", 2000):
        for _ in range(len(window) + 1):
            lane.reader.connected(resumed=True, now_s=now_s)
            for one in window[len(lane.got) :]:
                lane.reader.take([one], now_s + 0.1)
            lane.reader.pump(now_s + 8.0)
            if not lane.reader.broken:
                break
            assert lane.reader.owed
            now_s += 10.0
    assert seqs(lane.got) == [one.token for one in window]


def test_a_closed_reader_passes_nothing() -> None:
    lane = Lane()
    lane.reader.connected(resumed=True, now_s=0.0)
    lane.reader.take([message(1)], 0.1)
    lane.reader.close()
    lane.reader.take([message(2)], 0.2)
    lane.reader.pump(9.0)
    assert lane.got == []


def test_markers_are_read_in_their_place_and_never_reach_the_lane() -> None:
    lane = Lane()
    first, other = TOPICS
    lane.reader.connected(resumed=False, now_s=0.0)
    lane.reader.expect(b"this")
    lane.reader.take(
        [message(1), Message(first, b"that", 2), Message(other, b"this", 3), message(4)], 0.1
    )
    assert seqs(lane.got) == [1, 4]
    assert [one.token for one in lane.acknowledged] == [2, 3]
    assert lane.reader.marked == {other}


@given(
    st.lists(st.integers(1, 5), max_size=30),
    st.lists(st.integers(0, 6), max_size=30),
    st.booleans(),
)
def test_whatever_the_room_the_order_is_the_brokers(
    reads: list[int], room: list[int], resumed: bool
) -> None:
    lane = Lane(room=0)
    lane.reader.connected(resumed=resumed, now_s=0.0)
    now_s, n = 0.0, 0
    for size, space in zip(reads, room + [0] * len(reads), strict=False):
        now_s += 0.5
        lane.space = space
        lane.reader.take([message(n + i) for i in range(size)], now_s)
        n += size
    lane.space = 10_000
    lane.reader.pump(now_s + 8.0)
    assert seqs(lane.got) == list(range(n))


def test_each_device_is_sorted_in_its_own_places_and_what_has_no_seq_stays() -> None:
    def one(device: str, payload: bytes) -> Message:
        return Message(f"dg/v1/00/{device}/event", payload, 1)

    mixed = [
        one("b", b'{"seq":2}'),
        one("a", b'[{"seq":7},{"seq":8}]'),
        one("a", b"garbage"),
        one("b", b'{"seq":1,"data":{"seq":9}}'),
        one("a", b'{"type":"x","seq":5}'),
    ]
    assert by_seq(mixed) == [mixed[3], mixed[4], mixed[2], mixed[0], mixed[1]]
