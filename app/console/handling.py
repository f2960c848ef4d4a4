"""What one operator does at the board, carried out in a thread, with its refusals told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from alerts.emergency_calls import Call
from alerts.emergency_script import Outcome, Service
from app.accounts.permissions import Denied
from app.accounts.principal import Principal
from app.api.desk import Desk
from app.console import actions
from app.console.judging import Finding
from app.console.surroundings import Opened
from app.console.words import Words
from core.errors import NotFound, PermanentError, Refused, TemporaryError
from core.telemetry import logger

_log = logger(__name__)
ResultT = TypeVar("ResultT")


class Telling(Protocol):
    """The window that hears what came of it."""

    def tell(self, text: str) -> None: ...
    def turn_out(self) -> None: ...
    def gone(self, incident_id: int) -> None: ...


class Handling:
    """Each method says whether it was done; why not stands on the screen by then."""

    def __init__(
        self, desk: Desk, session: Mapping[str, Any], words: Words, telling: Telling
    ) -> None:
        self._desk = desk
        self._session = session
        self._t = words
        self._telling = telling

    async def check(self) -> Principal | None:
        """Return who sits there; turn the window out when its session has ended."""
        try:
            return await asyncio.to_thread(actions.check, self._desk, self._session)
        except Refused:
            self._telling.turn_out()
        except TemporaryError:
            pass  # the page says itself that the database is away
        return None

    async def open(self, incident_id: int) -> Opened | None:
        """Return the incident with its surroundings."""
        return await self._act(actions.open_detail, incident_id)

    async def follow(self, incident_id: int) -> Opened | None:
        """Return it as it stands around the incident on the screen now; None: not this time."""
        try:
            return await asyncio.to_thread(actions.follow, self._desk, self._session, incident_id)
        except Denied:
            self._telling.gone(incident_id)
        except Refused:
            self._telling.turn_out()
        except (NotFound, TemporaryError):
            pass  # closed: the feed tells; the database away: the page says itself
        return None

    async def acknowledge(self, incident_id: int) -> bool:
        """Take the incident in hand."""
        return await self._done(actions.acknowledge, incident_id)

    async def take_over(self, incident_id: int) -> bool:
        """Take the incident out of another's hands."""
        return await self._done(actions.take_over, incident_id)

    async def verify(self, incident_id: int) -> bool:
        """Note that the operator looks or telephones."""
        return await self._done(actions.verify, incident_id)

    async def set_level(self, incident_id: int, level: int, why: str) -> bool:
        """Raise or lower the validation level."""
        return await self._done(actions.set_level, incident_id, level, why)

    async def dispatch(self, incident_id: int, responder_id: str | None) -> bool:
        """Send a responder, the suggested next when None."""
        found = await self._act(actions.dispatch, incident_id, responder_id)
        if found is False:
            self._telling.tell(self._t("board.nobody.long"))
        return found is True

    async def close(self, incident_id: int, finding: Finding) -> bool:
        """End the incident."""
        return await self._done(actions.close, incident_id, finding)

    async def note(self, incident_id: int, text: str) -> bool:
        """Write a note into the incident's log."""
        return await self._done(actions.note, incident_id, text)

    async def park(self, incident_id: int, for_s: float, why: str) -> bool:
        """Set the incident aside for a time."""
        return await self._done(actions.park, incident_id, for_s, why)

    async def unpark(self, incident_id: int) -> bool:
        """Bring a parked incident back."""
        return await self._done(actions.unpark, incident_id)

    async def tick(self, incident_id: int, step: str, done: bool) -> bool:
        """Tick a step of the script, or take the tick back."""
        return await self._done(actions.tick, incident_id, step, done)

    async def calls(self, incident_id: int) -> list[Call] | None:
        """Return the calls to police, fire and the counselling line."""
        return await self._act(actions.calls, incident_id)

    async def begin_call(self, incident_id: int, service: Service) -> Call | None:
        """Begin a call, or go on with the one under way."""
        return await self._act(actions.begin_call, incident_id, service)

    async def tick_call(
        self, incident_id: int, call_id: int, step: str, *, done: bool
    ) -> Call | None:
        """Tick a step of a call, or take the tick back."""
        return await self._act(actions.tick_call, incident_id, call_id, step, done)

    async def end_call(
        self, incident_id: int, call_id: int, outcome: Outcome, spoken_to: str, reference: str
    ) -> Call | None:
        """End a call with what came of it."""
        given = (call_id, outcome, spoken_to, reference)
        return await self._act(actions.end_call, incident_id, *given)

    async def write_shift_note(self, text: str) -> bool:
        """Tell the next shift something."""
        return await self._done(actions.write_shift_note, text)

    async def _done(self, action: Callable[..., None], *given: Any) -> bool:
        def carried_out(*all_given: Any) -> bool:
            action(*all_given)
            return True

        return await self._act(carried_out, *given) is True

    async def _act(self, action: Callable[..., ResultT], *given: Any) -> ResultT | None:
        """Carry out an action in a thread; tell why it could not be done, and return None."""
        try:
            return await asyncio.to_thread(action, self._desk, self._session, *given)
        except Denied as error:
            self._telling.tell(self._t.refusal(error))
        except Refused:
            self._telling.turn_out()
        except NotFound as error:
            self._telling.tell(self._t.refusal(error))
            if given and isinstance(given[0], int):
                self._telling.gone(given[0])
        except PermanentError as error:
            self._telling.tell(self._t.refusal(error))
        except TemporaryError as error:
            _log.warning("an operator's action was not carried out", error=str(error))
            self._telling.tell(self._t("act.away"))
        except Exception:
            self._telling.tell(self._t("act.failed"))  # never a button that seems to do nothing
            raise
        return None
