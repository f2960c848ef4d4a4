"""What the story must bring about, each with the milliseconds it took from its cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAMES = (
    "sos_acked",
    "sos_paged",
    "page_accepted",
    "loiter_found",
    "loiter_incident_on_board",
    "entry_in_history",
    "no_event_lost",
    "no_duplicate",
)


@dataclass(slots=True)
class Expectation:
    """One expectation; `ms` is None until it held, and for those that take no time."""

    name: str
    held: bool = False
    ms: float | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "held": self.held, "ms": self.ms}
        return {**found, "detail": self.detail} if self.detail else found


@dataclass(slots=True)
class Expectations:
    """All of them, in order."""

    items: dict[str, Expectation] = field(
        default_factory=lambda: {name: Expectation(name) for name in NAMES}
    )

    def hold(self, name: str, ms: float | None = None, detail: str = "") -> None:
        """Note that one came true; the first time counts."""
        item = self.items[name]
        if not item.held:
            item.held, item.detail = True, detail
            item.ms = None if ms is None else round(ms, 1)

    def fail(self, name: str, detail: str) -> None:
        """Note why one did not."""
        self.items[name].detail = detail

    def holds(self, *names: str) -> bool:
        return all(self.items[name].held for name in names)

    @property
    def ok(self) -> bool:
        return self.holds(*NAMES)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "expectations": [item.as_dict() for item in self.items.values()]}
