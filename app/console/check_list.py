"""Check-boxes whose ticks are carried out, and that follow what others tick."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any

from nicegui import background_tasks, ui
from nicegui.events import ValueChangeEventArguments


class CheckList:
    """Built where the caller is building: one box for each name with its label.

    `tick(name, done)` carries a tick out, or its taking back, in the order in which they were
    made; when it says False the box goes back.
    """

    def __init__(
        self, labels: Mapping[str, str], tick: Callable[[str, bool], Awaitable[bool]]
    ) -> None:
        self._tick = tick
        self._turn = asyncio.Lock()
        self._showing = False
        self._under_way: list[str] = []
        with ui.element("div").classes("script"):
            self._boxes = {
                name: ui.checkbox(label, on_change=partial(self._changed, name)).classes("step")
                for name, label in labels.items()
            }

    @property
    def done(self) -> list[str]:
        """Names of what is ticked."""
        return [name for name, box in self._boxes.items() if box.value]

    def show(self, done: Collection[str]) -> None:
        """Bring the boxes to what stands; a tick that is being carried out is ahead of it."""
        for name in self._boxes:
            if name not in self._under_way:
                self._set(name, done=name in done)

    def _set(self, name: str, *, done: bool) -> None:
        box = self._boxes[name]
        if box.value != done and not box.is_deleted:
            self._showing = True
            box.value = done
            self._showing = False

    # not a coroutine: that would run when `_showing` is over, and send back what was only shown
    def _changed(self, name: str, event: ValueChangeEventArguments[Any]) -> None:
        if not self._showing:
            self._under_way.append(name)
            background_tasks.create(self._carry_out(name, done=bool(event.value)), name="tick")

    async def _carry_out(self, name: str, *, done: bool) -> None:
        try:
            async with self._turn:
                carried_out = await self._tick(name, done)
        finally:
            self._under_way.remove(name)
        if not carried_out:
            self._set(name, done=not done)
