"""Devices in memory behind `core.ports.Commands`, for tests that are not about the broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from core.commands import Answer, Outcome

# Takes a command's id, type and data; returns ok and data, or None to say nothing.
Device: TypeAlias = Callable[[str, str, Mapping[str, Any]], tuple[bool, dict[str, Any]] | None]


class FakeCommands:
    """`devices` by id; one that is not there is silent. `asked` is what was sent to whom."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self.devices = dict(devices)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self._numbers = itertools.count(1)
        self._later: dict[str, tuple[str, Callable[[Mapping[str, Any]], None]]] = {}

    def ask(
        self,
        device: str,
        type: str,  # noqa: A002
        data: Mapping[str, Any],
        *,
        within_s: float,
        later: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Answer:
        command_id = f"c{next(self._numbers)}"
        self.asked.append((device, type, dict(data)))
        here = self.devices.get(device)
        replied = here(command_id, type, data) if here else None
        if replied is None:
            return Answer(command_id, Outcome.SILENT, reason="no reply in time")
        ok, told = replied
        if ok:
            if later is not None:
                self._later[command_id] = (device, later)
            return Answer(command_id, Outcome.DONE, told)
        reason = str(told.get("reason", ""))
        outcome = Outcome.BUSY if reason == "busy" else Outcome.REFUSED
        return Answer(command_id, outcome, told, reason)

    def tell(self, device: str, command_id: str, data: Mapping[str, Any]) -> None:
        """Reply once more to a command, as a device does."""
        asked, later = self._later.get(command_id, ("", None))
        if later is not None and asked == device:
            later(data)

    def forget(self, command_id: str) -> None:
        self._later.pop(command_id, None)
