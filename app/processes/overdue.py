"""A bus that remembers what its reader has not settled yet, and since when."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from core.clock import Clock
from core.ports import Message, Sink

_REMEMBERED = 20_000  # past that the oldest has been looked at long since


class Receiving(Protocol):
    """A bus that also delivers."""

    def deliver_to(self, sink: Sink) -> None: ...

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None: ...

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None: ...

    def acknowledge(self, messages: Sequence[Message]) -> None: ...

    def shed(self, messages: Sequence[Message]) -> None: ...

    def ask_again(self) -> None: ...


class Overdue:
    """Stands between a session and a lane. Settled is what the lane acknowledges, and only that:
    what it sheds still waits for somebody.
    """

    def __init__(self, bus: Receiving, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[int, tuple[Message, float]] = {}  # by id, in the order of receipt

    def deliver_to(self, sink: Sink) -> None:
        """Hand messages over as they come; set before the session starts."""

        def remember(messages: Sequence[Message]) -> None:
            now_s = self._clock.monotonic_s()
            with self._lock:
                self._open.update((id(one), (one, now_s)) for one in messages)
                while len(self._open) > _REMEMBERED:
                    del self._open[next(iter(self._open))]
            sink(messages)

        self._bus.deliver_to(remember)

    def overdue(self, than_s: float) -> list[Message]:
        """Return, each once, what has not been settled for so long, in order."""
        before_s = self._clock.monotonic_s() - than_s
        found: list[Message] = []
        with self._lock:
            while self._open:
                key, (message, since_s) = next(iter(self._open.items()))
                if since_s > before_s:
                    break
                del self._open[key]
                found.append(message)
        return found

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        self._bus.publish(topic, payload, qos=qos, retain=retain)

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self._bus.publish_all(messages)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        with self._lock:
            for one in messages:
                self._open.pop(id(one), None)
        self._bus.acknowledge(messages)

    def shed(self, messages: Sequence[Message]) -> None:
        self._bus.shed(messages)

    def ask_again(self) -> None:
        self._bus.ask_again()
