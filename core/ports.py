"""Ports: what a room needs from the outside, as Protocols. Wired together in `app`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from core.model import Page


class Message(msgspec.Struct, frozen=True, gc=False):
    """One MQTT message received and not yet acknowledged to the broker.

    `token` is given back to `Bus.acknowledge` after commit; None for QoS 0.
    """

    topic: str
    payload: bytes
    token: int | None = None
    retained: bool = False


# Takes what one read of the network brought, in order; called on the network thread, it must only
# hand over.
Sink: TypeAlias = Callable[[Sequence[Message]], None]


class Bus(Protocol):
    """The MQTT session of one process."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        ...

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Queue many (topic, payload) at QoS 0 in one go; raise `BrokerAway` like `publish`."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are safe with us; it forgets them."""
        ...

    def shed(self, messages: Sequence[Message]) -> None:
        """Give these up unacknowledged: there was no room. They must come again."""
        ...

    def ask_again(self) -> None:
        """There is room again: have the broker send what was shed, now rather than some day."""
        ...


class ObjectStore(Protocol):
    """Evidence and other large objects, by key."""

    def put(self, key: str, body: bytes) -> None:
        """Store the bytes under `key`; storing the same again changes nothing."""
        ...

    def get(self, key: str) -> bytes:
        """Return the bytes; raise `NotFound`."""
        ...


class Channel(Protocol):
    """One way to reach a responder. `send` returns when the other side has taken the message.

    Raises `TemporaryError` (try again) or `PermanentError` (this address will never work).
    """

    name: str

    def send(self, page: Page, address: str, secret: str) -> None: ...
