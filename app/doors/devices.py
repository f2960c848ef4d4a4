"""The devices that people reach for: who they are, and asking one to do something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core import sql
from core.clock import Clock
from core.commands import Answer, Outcome, checked
from core.database import Connection, Database
from core.errors import DoorGuardError, NotFound
from core.ports import Commands

# A device that was last heard leaving may be back before we know: it is asked all the same, but
# nobody waits the whole time for it.
_AWAY_WITHIN_S = 2.0
_QUERIES = sql.load("app.doors")


class NotDone(DoorGuardError):  # noqa: N818 - reads as what happened
    """A device did not carry out a command; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.outcome}: {answer.reason}" if answer.reason else answer.outcome)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class DoorDevice:
    """A device in service; `config` is its desired configuration."""

    device_id: str
    kind: str
    household_id: str
    config: Mapping[str, Any]
    config_version: int
    known_away: bool


def find(conn: Connection, device_id: str, clock: Clock) -> DoorDevice:
    """Return a device in service; raise `NotFound`."""
    given = {"device_id": device_id, "now": clock.now()}
    row = conn.execute(_QUERIES["device"], given).fetchone()
    if row is None:
        raise NotFound("no such device", "device.unknown")
    return DoorDevice(**row)


class Devices:
    """Asks devices, and tells a device that is away from one that only says nothing."""

    def __init__(self, commands: Commands, database: Database, clock: Clock) -> None:
        self._commands = commands
        self._database = database
        self._clock = clock

    def find(self, device_id: str) -> DoorDevice:
        """Return a device in service; raise `NotFound`, `DatabaseAway`."""
        with self._database.transaction() as conn:
            return find(conn, device_id, self._clock)

    def ask(
        self,
        device: DoorDevice,
        type: str,  # noqa: A002
        data: Mapping[str, Any],
        *,
        later: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Answer:
        """Carry out a command and return its answer; blocks until then.

        Raises `NotDone` with the reason, `PermanentError` for a command or data that there is not,
        `BrokerAway`.
        """
        row, given = checked(type, data)
        within_s = min(row.within_s, _AWAY_WITHIN_S) if device.known_away else row.within_s
        answer = self._commands.ask(device.device_id, type, given, within_s=within_s, later=later)
        if answer.outcome is Outcome.SILENT and device.known_away:
            answer = replace(answer, outcome=Outcome.AWAY, reason="the device is off the network")
        if answer.outcome is not Outcome.DONE:
            raise NotDone(answer)
        return answer

    def forget(self, command_id: str) -> None:
        """Listen no longer for what a device tells after its answer."""
        self._commands.forget(command_id)
