"""MQTT 3.1.1 packets in bulk: a decoder that cuts PUBLISH out of a byte stream, and encoders; pure.

Figures: MQTT 3.1.1, sections 2.2.3 (remaining length), 3.3 (PUBLISH), 3.4 (PUBACK).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import TypeAlias

PUBLISH = 0x30
DUP, QOS_1, QOS_2, RETAIN = 0x08, 0x02, 0x04, 0x01  # flags in a PUBLISH's first byte
_PUBACK = 0x40020000  # with the packet id in its lower half, the whole packet

MAX_TOPIC_BYTES = 0xFFFF
_MAX_PACKET_BYTES = 268_435_455  # what four bytes of remaining length can say
_SHARED_TOPICS, _SHARED_TOPIC_BYTES = 32_768, 256  # what is kept of topics: at most some 10 MB

# First byte, topic, packet id (0 at QoS 0), payload.
Publish: TypeAlias = tuple[int, str, int, bytes]


class PublishDecoder:
    """Splits what a broker sends into QoS 0/1 messages and the bytes of everything else.

    A payload longer than `max_payload_bytes` is cut there while it streams in: the message
    arrives with exactly so many bytes, and memory stays bounded by them. After `malformed` is set
    nothing more is decoded.
    """

    def __init__(self, max_payload_bytes: int) -> None:
        self._max_payload_bytes = max_payload_bytes
        # no more than this of a packet's body is ever held
        self._max_body_bytes = 2 + MAX_TOPIC_BYTES + 2 + max_payload_bytes
        self._topics: dict[bytes, str] = {}
        self._partial = bytearray()  # the beginning of a packet, up to `_wanted` bytes
        self._wanted = 0
        self._passing = 0  # bytes still to come of a packet that is not ours
        self._skipping = 0  # bytes still to come behind a payload that was cut
        self.malformed: str | None = None

    def feed(self, block: bytes) -> list[list[Publish] | bytes]:
        """Return what `block` completes, in the order of the wire.

        Lists are messages, perhaps none; bytes are (parts of) all other packets.
        """
        found: list[list[Publish] | bytes] = []
        if self._skipping:
            cut = min(self._skipping, len(block))
            self._skipping -= cut
            block = block[cut:]
        if self._passing:
            cut = min(self._passing, len(block))
            self._passing -= cut
            found.append(block[:cut])
            block = block[cut:]
        if self._partial:
            if len(self._partial) + len(block) < self._wanted:
                self._partial += block
                return found
            block = b"".join((self._partial, block))
            self._partial = bytearray()
        if block and self.malformed is None:
            self._decode(block, found)
        return found

    def _decode(self, block: bytes, found: list[list[Publish] | bytes]) -> None:  # noqa: C901 - one loop, the hot one
        topics = self._topics
        longest = self._max_payload_bytes
        publishes: list[Publish] = []
        at, end = 0, len(block)
        while at + 1 < end:
            first = block[at]
            size = block[at + 1]
            body = at + 2
            if size > 127:
                if at + 2 < end and block[at + 2] < 128:  # two bytes: nearly all messages
                    size += (block[at + 2] << 7) - 128
                    body = at + 3
                else:
                    head = self._remaining_length(block, at)
                    if head is None:
                        break
                    size, body = head
            stop = body + size
            if first & 0xF4 != PUBLISH:  # not a PUBLISH, or one of QoS 2
                found.append(publishes)
                publishes = []
                if size > self._max_body_bytes:
                    self.malformed = f"a packet of {size} bytes"
                    break
                found.append(block[at:stop])
                self._passing = max(0, stop - end)
                at = stop
                continue
            if stop > end and end - body < self._max_body_bytes:
                break
            after = body + 2 + (block[body] << 8 | block[body + 1]) if size > 2 else stop
            if after == body + 2 or after + (first & QOS_1) > stop or size < 3:
                self.malformed = "a PUBLISH whose topic is empty or does not fit in it"
                break
            name = block[body + 2 : after]
            topic = topics.get(name) or self._topic(name)
            packet_id = 0
            if first & QOS_1:
                packet_id = block[after] << 8 | block[after + 1]
                after += 2
            cut = stop
            if size > longest:
                cut = min(stop, after + longest)
                self._skipping = max(0, stop - end)
            publishes.append((first, topic, packet_id, block[after:cut]))
            at = stop
        found.append(publishes)
        if at < end and self.malformed is None:
            self._keep(block, at)

    def _remaining_length(self, block: bytes, at: int) -> tuple[int, int] | None:
        """Return the body's length and where it begins; None when bytes of it are missing."""
        size, shift = 0, 0
        for place in range(at + 1, min(at + 5, len(block))):
            size |= (block[place] & 127) << shift
            if block[place] < 128:
                return size, place + 1
            shift += 7
        if len(block) >= at + 5:
            self.malformed = "a remaining length of more than four bytes"
        return None

    def _keep(self, block: bytes, at: int) -> None:
        """Hold the beginning of a packet until it is whole, or long enough to be cut."""
        self._partial = bytearray(memoryview(block)[at:])
        head = self._remaining_length(block, at) if len(block) > at + 1 else None
        if head is None:
            self._wanted = len(self._partial) + 1
        else:
            size, body = head
            self._wanted = body - at + min(size, self._max_body_bytes)

    def _topic(self, name: bytes) -> str:
        """Return the topic's text, one object for all messages of it; never raises."""
        topic = name.decode(errors="replace")
        if len(name) <= _SHARED_TOPIC_BYTES:
            if len(self._topics) >= _SHARED_TOPICS:
                self._topics.clear()
            self._topics[name] = topic
        return topic


def encode_pubacks(packet_ids: Iterable[int]) -> bytes:
    """Return one PUBACK behind another."""
    packets = [_PUBACK | packet_id for packet_id in packet_ids]
    return struct.pack(f">{len(packets)}I", *packets)


def encode_publishes(messages: Iterable[tuple[str, bytes]], *, blob_bytes: int) -> Iterator[bytes]:
    """Yield (topic, payload) as PUBLISH packets of QoS 0, in blobs of about `blob_bytes`.

    Raises `ValueError` for a topic that may not be published to and for a payload too large.
    """
    parts: list[bytes] = []
    waiting = 0
    for topic, payload in messages:
        name = topic.encode()
        if not 0 < len(name) <= MAX_TOPIC_BYTES or b"+" in name or b"#" in name:
            raise ValueError(f"{topic[:100]!r} is no topic to publish to")
        size = 2 + len(name) + len(payload)
        head = struct.pack(">B", PUBLISH) + _encode_length(size) + len(name).to_bytes(2)
        parts += (head, name, payload)
        waiting += len(head) + len(name) + len(payload)
        if waiting >= blob_bytes:
            yield b"".join(parts)
            parts, waiting = [], 0
    if parts:
        yield b"".join(parts)


def _encode_length(size: int) -> bytes:
    if size > _MAX_PACKET_BYTES:
        raise ValueError(f"a packet of {size} bytes")
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (128 if size else 0))
        if not size:
            return bytes(out)
