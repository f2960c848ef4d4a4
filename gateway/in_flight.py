"""Which packet ids are ours to acknowledge: a token never confirms a stranger; pure.

A broker reuses a packet id once we acknowledged it, and sends again (DUP) what we hold too long.
So a token names one delivery, not an id, and is good for one acknowledgement on one connection:

- DUP of an id in flight: the message we hold already; dropped, so that memory stays flat while
  the database is away.
- no DUP, id in flight: a new message; the older token is void.
- DUP of an id acknowledged within `crossing_s`: it may have crossed our acknowledgement on the
  wire, and a second one would confirm whatever message gets the id next. So it is handed over
  without a token. Should it be owed to us after all, the broker sends it once more.

`crossing_s` must be longer than anything can be under way on a living connection: two keep-alive
periods, after which a PINGREQ behind our acknowledgement has been answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from core.ports import Message
from gateway.packets import DUP, QOS_1, RETAIN, Publish

_IDS = 1 << 16
_SESSIONS = count()  # so that no two sessions of a process ever give out the same token


class InFlight:
    """The deliveries of one connection. Not locked; the owner locks it."""

    def __init__(self, crossing_s: float) -> None:
        self._crossing_ms = int(crossing_s * 1000)
        # the token's upper part; never repeated, over all connections
        self._delivery = next(_SESSIONS) << 60
        # by packet id: the token in flight, or minus the ms when it was acknowledged, or 0
        self._latest = [0] * _IDS
        self.owed = False  # something was shed on this connection

    def clear(self) -> None:
        """Void every token: the connection is gone, and its packet ids with it."""
        self._latest = [0] * _IDS
        self.owed = False

    def admit(self, publishes: Iterable[Publish], now_s: float) -> list[Message]:
        """Return the messages to hand over, with tokens at QoS 1."""
        latest = self._latest
        delivery = self._delivery
        crossing_before = self._crossing_ms - int(now_s * 1000)
        messages: list[Message] = []
        for first, topic, packet_id, payload in publishes:
            token: int | None = None
            if first & QOS_1:
                known = latest[packet_id]
                if known > 0 and first & DUP:
                    continue
                if not (known < 0 and first & DUP and known < crossing_before):
                    delivery += _IDS
                    token = latest[packet_id] = delivery | packet_id
            messages.append(Message(topic, payload, token, first & RETAIN == RETAIN))
        self._delivery = delivery
        return messages

    def settle(self, messages: Sequence[Message], now_s: float) -> list[int]:
        """Forget these and return the packet ids to acknowledge now."""
        latest = self._latest
        settled_at = min(-1, -int(now_s * 1000))
        ids: list[int] = []
        for message in messages:
            token = message.token
            if token is not None:
                packet_id = token & 0xFFFF
                if latest[packet_id] == token:
                    latest[packet_id] = settled_at
                    ids.append(packet_id)
        return ids

    def shed(self, messages: Sequence[Message]) -> None:
        """Forget these unacknowledged, so that the broker's next delivery of them is taken."""
        for message in messages:
            token = message.token
            if token is not None and self._latest[token & 0xFFFF] == token:
                self._latest[token & 0xFFFF] = 0
                self.owed = True
