"""Ports: what a room needs from the outside, as Protocols. Wired together in `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from core.commands import Answer
from core.frames import Frame
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


class Commands(Protocol):
    """The way to the devices and back."""

    def ask(
        self,
        device: str,
        type: str,  # noqa: A002
        data: Mapping[str, Any],
        *,
        within_s: float,
        later: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Answer:
        """Send a command that expires in `within_s`, wait so long for the reply, and return it.

        `later` is called with the data of every further reply to the same command, on another
        thread, until `forget`: that is how a device tells that a talk is over. Raises `BrokerAway`.
        """
        ...

    def forget(self, command_id: str) -> None:
        """Listen no longer for further replies."""
        ...


class Watching(Protocol):
    """A camera being watched."""

    def stop(self) -> None:
        """End it; no frame is handed over afterwards."""
        ...


class Cameras(Protocol):
    """Frames of cameras, for those who watch; they are handed on and never kept."""

    def watch(self, device: str, take: Callable[[Frame], None]) -> Watching:
        """Hand every frame of `device` to `take`, on a thread of its own. Raises `BrokerAway`."""
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


Mode: TypeAlias = Literal["drive", "walk"]


class Origin(msgspec.Struct, frozen=True):
    """Where somebody would set out, degrees (WGS 84), and how they move."""

    lat: float
    lon: float
    mode: Mode


class TravelTimes(Protocol):
    """How long it takes from many places to one."""

    name: str

    def seconds(self, origins: Sequence[Origin], lat: float, lon: float) -> list[float | None]:
        """Return the seconds in the order given; None where no road leads.

        Raises `TemporaryError` (it did not answer in time) or `PermanentError` (it will not).
        """
        ...
