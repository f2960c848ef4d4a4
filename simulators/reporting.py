"""A device that does nothing but report, in as few instructions as that takes; pure, no I/O.

It keeps protocol v1's promise all the same: what is not in an `ack` stays owed and is sent again,
with the same `seq` and the same `at`. It may ask for an `ack` of every k-th event only; then that
answer stands for those before it, since order holds per device.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from core import wire
from core.errors import DecodeError
from core.topics import Kind, device_root
from simulators.outbox import SCHEDULES
from simulators.packets import MAX_PACKET_ID, publish_head

PAYLOAD_BYTES = 200
_SEQ_DIGITS = 16  # microseconds since the epoch, until the year 2286
_AT_CHARS = len("2026-11-22T10:00:00.123Z")
_TYPES = (
    ("motion.sensed", '{"zone":"porch","strength":0.87'),
    ("door.unlocked", '{"method":"pin","user":"kim"'),
    ("door.opened", '{"method":"pin","angle_deg":81'),
    ("bell.pressed", '{"presses":2,"held_ms":640'),
)
_ACK = msgspec.json.Decoder(wire.Ack)
_SCHEDULE = SCHEDULES[Kind.EVENT]


def _templates() -> list[tuple[bytes, bytes, bytes]]:
    """Return, by type, what stands after `seq`, and after `at` without and with `ack`."""
    found = []
    for name, data in _TYPES:
        head = f',"type":"{name}","at":"'
        bare = len('{"seq":') + _SEQ_DIGITS + len(head) + _AT_CHARS

        def tail(end: str, bare: int = bare, data: str = data) -> bytes:
            left = PAYLOAD_BYTES - bare - len(f'","data":{data},"trace":""{end}')
            return f'","data":{data},"trace":"{"0" * left}"{end}'.encode()

        found.append((head.encode(), tail("}}"), tail('},"ack":true}')))
    return found


_TEMPLATES = _templates()


def payload(seq: int, at: bytes, *, asks: bool) -> bytes:
    """Return event number `seq` (16 digits) of 200 bytes; `at` is RFC 3339 with milliseconds."""
    head, silent, asking = _TEMPLATES[seq % len(_TEMPLATES)]
    return b'{"seq":%d%b%b%b' % (seq, head, at, asking if asks else silent)


@dataclass(slots=True)
class Owed:
    """Events in a row of which the last asks for an answer; monotonic seconds."""

    first: int
    due_s: float = 0.0  # when the last of them was to be published
    sent_s: float = 0.0
    tries: int = 0
    ats: list[bytes] = field(default_factory=list)


class Reporter:
    """The outbox of one such device, and the bytes it publishes.

    `first_seq` has 16 digits. With `ack_every` 1 each event is owed until its own `seq` is told.
    `first_ask` is the number of the event that asks first, so that devices need not ask in step.
    """

    def __init__(
        self, device: str, *, first_seq: int, ack_every: int, first_ask: int | None = None
    ) -> None:
        self.device = device
        self.first_seq = self.next_seq = first_seq
        self._ack_every = ack_every
        self._asks_at = first_ask or ack_every
        self.resent = 0
        self.rejected = 0
        self.owed: dict[int, Owed] = {}  # by the seq that asks, oldest first
        self._open = Owed(first_seq)
        self._head = publish_head(f"{device_root(device)}/{Kind.EVENT}", PAYLOAD_BYTES)
        self._packet_id = 0

    @property
    def sent(self) -> int:
        return self.next_seq - self.first_seq

    @property
    def asking(self) -> bool:
        """Whether every event made stands in `owed`: the last one asked."""
        return not self._open.ats

    def _publish(self, seq: int, at: bytes, *, asks: bool) -> bytes:
        self._packet_id = self._packet_id % MAX_PACKET_ID + 1
        body = payload(seq, at, asks=asks)
        return b"%b%b%b" % (self._head, self._packet_id.to_bytes(2, "big"), body)

    def report(self, at: bytes, *, due_s: float, now_s: float, last: bool = False) -> bytes:
        """Make the next event and return its PUBLISH; `last` asks whatever its number."""
        seq, row = self.next_seq, self._open
        self.next_seq = seq + 1
        row.ats.append(at)
        asks = last or len(row.ats) >= self._asks_at
        if asks:
            row.due_s, row.sent_s, row.tries = due_s, now_s, 1
            self.owed[seq] = row
            self._open = Owed(self.next_seq)
            self._asks_at = self._ack_every
        return self._publish(seq, at, asks=asks)

    def acknowledge(self, body: bytes, now_s: float) -> list[tuple[float, float]]:
        """Forget what is stored; return (due, seconds since then) of each answer waited for.

        Raises `DecodeError` for what is no `ack`.
        """
        try:
            ack = _ACK.decode(body)
        except msgspec.MsgspecError as error:
            raise DecodeError("ack", str(error)) from None
        settled = []
        for seq in ack.stored:
            row = self.owed.pop(seq, None)
            if row is not None:
                settled.append((row.due_s, now_s - row.due_s))
        for refusal in ack.rejected:
            self.rejected += 1
            self.owed.pop(refusal.seq, None)
        return settled

    def again(self, now_s: float) -> bytes:
        """Return the PUBLISH packets of what has waited too long for its answer."""
        out = b""
        for row in self.owed.values():
            if now_s - row.sent_s >= _SCHEDULE.wait_s(row.tries):
                out += self._repeat(row, now_s)
            elif row.tries <= 1:
                break  # those behind it are younger
        return out

    def reconnected(self, now_s: float) -> bytes:
        """Return the PUBLISH packets of everything owed: a new session begins with them."""
        for row in self.owed.values():
            row.tries = min(row.tries, 1)
        out = b"".join(self._repeat(row, now_s) for row in self.owed.values())
        first = self._open.first
        return out + b"".join(
            self._publish(first + n, at, asks=False) for n, at in enumerate(self._open.ats)
        )

    def _repeat(self, row: Owed, now_s: float) -> bytes:
        row.sent_s = now_s
        row.tries += 1
        self.resent += len(row.ats)
        last = len(row.ats) - 1
        return b"".join(
            self._publish(row.first + n, at, asks=n == last) for n, at in enumerate(row.ats)
        )
