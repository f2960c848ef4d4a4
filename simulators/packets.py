"""The few MQTT 3.1.1 control packets that a device which only reports needs; pure, no I/O.

For load: a publisher that costs a fraction of what it loads. Numbers in comments are sections of
the OASIS standard.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import DecodeError

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
MAX_PACKET_ID = 65535

_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP = 2, 3, 4, 9, 13
_CLEAN, _USER, _PASSWORD = 0x02, 0x80, 0x40  # 3.1.2.3 connect flags
_REFUSED_SUBSCRIPTION = 0x80  # 3.9.3
_PUBACK_BYTES = 4
_MAX_LENGTH_BYTES = 4  # 2.2.3


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(value: int) -> bytes:
    """Return a remaining length (2.2.3): seven bits a byte, the lowest first."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + _length(len(body)) + body


def connect(client_id: str, username: str, password: str, *, keepalive_s: int) -> bytes:
    """Return CONNECT with a clean session and no last will."""
    head = _text("MQTT") + struct.pack(">BBH", 4, _CLEAN | _USER | _PASSWORD, keepalive_s)
    return _packet(0x10, head + _text(client_id) + _text(username) + _text(password))


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Return SUBSCRIBE at QoS 0."""
    wanted = b"".join(_text(one) + b"\x00" for one in filters)
    return _packet(0x82, struct.pack(">H", packet_id) + wanted)


def publish_head(topic: str, payload_bytes: int) -> bytes:
    """Return what stands before the packet id of a QoS 1 PUBLISH with so large a payload."""
    name = _text(topic)
    return b"\x32" + _length(len(name) + 2 + payload_bytes) + name


@dataclass(slots=True)
class Heard:
    """What a piece of the stream held: counts of answers, and messages as (topic, payload)."""

    connected: bool = False
    subscribed: bool = False
    pubacks: int = 0
    messages: list[tuple[bytes, bytes]] | None = None


class Reader:
    """Cuts a broker's byte stream into packets. Raises `DecodeError` when it refuses or babbles."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Heard:
        """Take what one `recv` brought, cut anywhere."""
        heard = Heard()
        if self._rest:
            data = self._rest + data
        n, odd = divmod(len(data), _PUBACK_BYTES)
        if not odd and data[::4] == b"\x40" * n and data[1::4] == b"\x02" * n:
            self._rest = b""  # nothing but PUBACKs: the usual case under load
            heard.pubacks = n
            return heard
        at = 0
        while (cut := _cut(data, at)) is not None:
            begins, ends = cut
            self._take(heard, data[at], data[begins:ends])
            at = ends
        self._rest = data[at:]
        return heard

    @staticmethod
    def _take(heard: Heard, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == _PUBACK:
            heard.pubacks += 1
        elif kind == _PUBLISH:
            if head & 0x06:
                raise DecodeError("mqtt", "a message above QoS 0, which nobody asked for")
            size = int.from_bytes(body[:2], "big")
            messages = heard.messages = heard.messages or []
            messages.append((body[2 : 2 + size], body[2 + size :]))
        elif kind == _CONNACK:
            if body[1:2] != b"\x00":
                raise DecodeError("mqtt", f"connection refused with code {body[1:2].hex()}")
            heard.connected = True
        elif kind == _SUBACK:
            if _REFUSED_SUBSCRIPTION in body[2:]:
                raise DecodeError("mqtt", "subscription refused")
            heard.subscribed = True
        elif kind != _PINGRESP:
            raise DecodeError("mqtt", f"packet of type {kind} from a broker")


def _cut(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the body of the packet at `at` begins and ends; None when some is missing."""
    length = 0
    for number in range(_MAX_LENGTH_BYTES):
        place = at + 1 + number
        if place >= len(data):
            return None
        length |= (data[place] & 0x7F) << 7 * number
        if data[place] < 0x80:
            ends = place + 1 + length
            return (place + 1, ends) if ends <= len(data) else None
    raise DecodeError("mqtt", "a remaining length of more than four bytes")
