"""Ports: what a room needs from the outside, as Protocols. Wired together in `app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.model import Page


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message received and not yet acknowledged to the broker.

    `token` is given back to `Bus.acknowledge` after commit; None for QoS 0.
    """

    topic: str
    payload: bytes
    token: int | None = None
    retained: bool = False


class Bus(Protocol):
    """The MQTT session of one process."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        ...

    def acknowledge(self, messages: list[Message]) -> None:
        """Tell the broker that these are safe with us; it forgets them."""
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
