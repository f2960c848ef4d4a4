"""Who came and went through the door: told from its events; pure.

A door camera cannot see who passes, so nothing is claimed that the lock and the bell do not say.
Who opens the door without unlocking it from outside is inside: they went out, or let somebody in
who had rung. The next that unlocks is somebody coming home.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import json

UNLOCKED_FOR = timedelta(seconds=60)  # an unlocked door that was not opened since locks again
RANG_FOR = timedelta(minutes=3)  # who opens so long after the bell opens to whoever rang
EVENTS = (
    "bell.pressed", "door.closed", "door.forced", "door.opened", "door.unlocked",
    "loiter.ended", "loiter.started",
)  # fmt: skip


class Passed(StrEnum):
    """What happened at the door."""

    CAME = "came"  # unlocked from outside and opened
    WENT = "went"  # opened from inside; nobody had rung
    RANG = "rang"  # rang, and the door stayed shut
    LET_IN = "let_in"  # rang, and the door was opened from inside
    STAYED = "stayed"  # somebody loitered before the door
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class DoorEvent:
    """One event of the history; `data` is its JSON object as the bytes that came."""

    at: datetime
    type: str
    data: bytes | str = b"{}"


@dataclass(frozen=True, slots=True)
class Passage:
    """One line of the door's day; `who` and `method` as the lock names them, empty: unknown."""

    at: datetime
    what: Passed
    who: str = ""
    method: str = ""
    until: datetime | None = None  # when the door was closed again, or the loiterer left


def passages(events: Iterable[DoorEvent]) -> list[Passage]:
    """Return what happened at the door, oldest first; `events` rise in time."""
    day = _Day()
    for event in events:
        day.take(event)
    return day.lines


class _Day:
    """The lines so far, and what of them is not over."""

    def __init__(self) -> None:
        self.lines: list[Passage] = []
        self._key: Passage | None = None  # the door stands unlocked from outside, by this one
        self._bell: int | None = None  # where the ring stands that nobody has answered
        self._opened: int | None = None
        self._staying: int | None = None

    def take(self, event: DoorEvent) -> None:
        at = event.at
        match event.type:
            case "door.unlocked":
                self._key = _unlocked(event)
            case "bell.pressed":
                if not self._rings(at):
                    self._bell = self._add(Passage(at, Passed.RANG))
            case "door.opened":
                self._opened = self._open(at)
                self._key = None
            case "door.closed":
                self._end(self._opened, at)
                self._opened = None
            case "door.forced":
                self._add(Passage(at, Passed.FORCED))
            case "loiter.started":
                self._staying = self._add(Passage(at, Passed.STAYED))
            case "loiter.ended":
                self._end(self._staying, at)
                self._staying = None

    def _add(self, line: Passage) -> int:
        self.lines.append(line)
        return len(self.lines) - 1

    def _end(self, number: int | None, at: datetime) -> None:
        if number is not None:
            self.lines[number] = replace(self.lines[number], until=at)

    def _rings(self, at: datetime) -> bool:
        return self._bell is not None and at - self.lines[self._bell].at <= RANG_FOR

    def _open(self, at: datetime) -> int:
        if self._key is not None and at - self._key.at <= UNLOCKED_FOR:
            return self._add(replace(self._key, at=at))
        if self._bell is not None and self._rings(at):
            number, self._bell = self._bell, None
            self.lines[number] = replace(self.lines[number], what=Passed.LET_IN)
            return number
        return self._add(Passage(at, Passed.WENT))


def _unlocked(event: DoorEvent) -> Passage:
    given = json.decode(event.data)
    user, method = given.get("user", ""), given.get("method", "")
    return Passage(
        event.at,
        Passed.CAME,
        who=user if isinstance(user, str) else "",
        method=method if isinstance(method, str) else "",
    )
