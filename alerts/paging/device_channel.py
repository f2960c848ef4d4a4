"""Pages to a pager over MQTT, as a command whose reply says that the device has it."""

from __future__ import annotations

from alerts.links import through
from alerts.paging.document import document
from core.commands import Outcome
from core.errors import PermanentError, TemporaryError
from core.model import Page
from core.ports import Commands

WITHIN_S = 4.0  # below the dispatcher's deadline; a pager replies before it rings


class DeviceChannel:
    """Sends `page` and `page.stand_down`; a repeat carries the same `key`."""

    name = "device"

    def __init__(self, commands: Commands, *, within_s: float = WITHIN_S) -> None:
        self._commands = commands
        self._within_s = within_s

    def send(self, page: Page, address: str, secret: str) -> None:  # noqa: ARG002 - has no use
        """Raise `PermanentError` when the pager refuses, `TemporaryError` when it is silent."""
        # an update rings as the page did, with what is known now
        command = "page.stand_down" if page.message == "stand_down" else "page"
        data = {"key": page.idempotency_key, **document(through(page, self.name))}
        answer = self._commands.ask(address, command, data, within_s=self._within_s)
        if answer.outcome is Outcome.REFUSED:
            raise PermanentError(f"the pager refused: {answer.reason}")
        if answer.outcome is not Outcome.DONE:
            raise TemporaryError(f"the pager: {answer.reason or answer.outcome}")
