"""A responder's pager over MQTT: rings, answers until it is told, tells where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from core import wire
from core.clock import Clock
from simulators.connection import Credentials
from simulators.device import Device

Answer = Literal["accept", "decline", "departed", "arrived"]
_AGAIN_S = 2.0  # an answer is repeated until `page.state` has come
_KEPT = 256


@dataclass(slots=True)
class Rung:
    """One page as the pager shows it. `states` is what it was told of its answers."""

    body: dict[str, Any]
    command_id: str
    repeats: int = 0
    stood_down: bool = False
    states: dict[str, str] = field(default_factory=dict)

    @property
    def page_id(self) -> int:
        return int(self.body["page_id"])


class ResponderPager(Device):
    """Shows pages once, whatever comes twice. `on_page` may answer from any thread."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock | None = None,
        *,
        on_page: Callable[[ResponderPager, Rung], None] = lambda _pager, _page: None,
        memory: Path | None = None,
    ) -> None:
        super().__init__(credentials, clock, memory=memory)
        self._on_page = on_page
        self._rung: dict[int, Rung] = {}
        self._told = threading.Condition()
        self._owed: dict[tuple[int, Answer], float] = {}  # when it is said again

    @property
    def pages(self) -> list[Rung]:
        """Everything shown so far, in order of arrival."""
        with self._told:
            return list(self._rung.values())

    def answer(self, page_id: int, answer: Answer) -> None:
        """Say it now, and every 2 s until the service has told what stands."""
        with self._told:
            self._owed[page_id, answer] = self.clock.monotonic_s()
        self._say_owed(self.clock.monotonic_s())

    def report(self, lat: float, lon: float, accuracy_m: float) -> int:
        """Tell where this pager is; return the event's seq."""
        return self.send("position.reported", {"lat": lat, "lon": lon, "accuracy_m": accuracy_m})

    def wait(self, predicate: Callable[[Rung], bool], timeout_s: float) -> Rung | None:
        """Return the first page of which `predicate` holds, None if none came in time."""
        with self._told:
            return self._told.wait_for(
                lambda: next((one for one in self._rung.values() if predicate(one)), None),
                timeout_s,
            )

    def tick(self, now_s: float) -> float:
        self._say_owed(now_s)
        look_s = super().tick(now_s)
        with self._told:
            return min([look_s, *self._owed.values()])

    def run_command(self, command: wire.Command) -> dict[str, Any] | None:
        if command.type not in ("page", "page.stand_down", "page.state"):
            return super().run_command(command)
        data: dict[str, Any] = msgspec.json.decode(command.data)
        if command.type == "page":
            self._ring(command.id, data)
        else:
            self._hear(command.type, data)
        return None if command.type == "page.state" else {}

    def _ring(self, command_id: str, data: dict[str, Any]) -> None:
        with self._told:
            known = self._rung.get(data["page_id"])
            if known is not None:
                known.repeats += 1
                return
            while len(self._rung) >= _KEPT:
                del self._rung[next(iter(self._rung))]
            page = self._rung[data["page_id"]] = Rung(data, command_id)
            self._told.notify_all()
        threading.Thread(target=self._on_page, args=(self, page), daemon=True).start()

    def _hear(self, type: str, data: Mapping[str, Any]) -> None:  # noqa: A002
        with self._told:
            page = self._rung.get(data["page_id"])
            if type == "page.state":
                self._owed = {
                    (page_id, answer): at_s
                    for (page_id, answer), at_s in self._owed.items()
                    if (page_id, answer) != (data["page_id"], data["answer"])
                }
                if page is not None:
                    page.states[data["answer"]] = data["state"]
            elif page is not None:
                page.stood_down = True
            self._told.notify_all()

    def _say_owed(self, now_s: float) -> None:
        with self._told:
            due = [owed for owed, at_s in self._owed.items() if at_s <= now_s]
            self._owed |= dict.fromkeys(due, now_s + _AGAIN_S)
            ids = {
                page_id: self._rung[page_id].command_id
                for page_id, _ in due
                if page_id in self._rung
            }
        for page_id, answer in due:
            told = {"page_id": page_id, "answer": answer}
            self.reply(ids.get(page_id, f"page-{page_id}"), told)
