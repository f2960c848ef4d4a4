"""The indoor SOS button: press, and a lamp that lights when help is informed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.device import Device
from simulators.outbox import Settled


@dataclass(frozen=True, slots=True)
class Lamp:
    """The "help is informed" lamp: lit by the backend's ack, never by the broker's."""

    lit: bool = False
    acked_at: datetime | None = None


class Button(Device):
    """An SOS button. `press` puts the lamp out; it lights when the last press is acknowledged."""

    lamp: Lamp = Lamp()
    _last_press: int | None = None

    def press(self, type: str = "sos.pressed", data: Mapping[str, Any] | None = None) -> int:  # noqa: A002
        """Press (or `sos.test`, `sos.cancelled`, `duress.pressed`); return the event's seq."""
        with self._changed:
            self.lamp = Lamp()
            self._last_press = self.send(type, data)
            return self._last_press

    def settled(self, settled: Settled) -> None:
        if self._last_press in settled.stored:
            self.lamp = Lamp(lit=True, acked_at=self.clock.now())
