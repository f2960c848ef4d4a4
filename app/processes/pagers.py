"""Responders' pagers: a session of their own, and the thread that takes what they answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_hex

import msgspec

from alerts.paging.answers import PagerAnswer, note_refused, read_answer, take_answer
from app.processes.running import session_for
from core import wire
from core.clock import Clock
from core.database import Database
from core.errors import BrokerAway, DatabaseAway, DecodeError, PermanentError, Refused
from core.ports import Message
from core.settings import Settings
from core.telemetry import REJECTS, SHED, logger
from core.topics import Kind, Topic, parse, wildcard
from gateway.commands import CommandLine

_WAITING = 1000  # answers; a pager repeats what it is not told the state of
_HOLDS = timedelta(seconds=10)
_log = logger(__name__)


class Pagers:
    """`commands` is the road to them. An answer is repeated by its pager until it is told.

    Any number of processes may listen: the same answer again changes nothing.
    """

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        name = f"svc-pagers-{token_hex(8)}"  # one of several must not throw out the others
        self._session = session_for(
            "pagers", settings, name=name, subscriptions=[(wildcard(Kind.REPLY), 0)]
        )
        self.commands = CommandLine(self._session, clock)
        self._answers: queue.Queue[tuple[str, PagerAnswer] | None] = queue.Queue(_WAITING)
        self._session.deliver_to(self._take)
        self._thread = threading.Thread(target=self._run, name="pagers", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether a page can reach its pager now."""
        return self._session.connected

    def start(self) -> None:
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        self._session.stop()
        self._answers.put(None)
        self._thread.join()

    def _take(self, messages: Sequence[Message]) -> None:
        """On the network thread: replies to commands at once, answers to the thread."""
        self.commands.take(messages)
        for message in messages:
            try:
                device = parse(message.topic).device
                given = read_answer(wire.decode_reply(message.payload).data)
            except DecodeError as error:
                REJECTS.labels("reply", error.reason).inc()
                continue
            if given is not None:
                try:
                    self._answers.put_nowait((device, given))
                except queue.Full:
                    SHED.labels("pagers").inc()

    def _run(self) -> None:
        while (one := self._answers.get()) is not None:
            device, given = one
            try:
                self._tell(device, given, *self._settle(device, given))
            except DatabaseAway as error:
                _log.warning("an answer waits for its pager to repeat it", error=str(error))
            except BrokerAway as error:
                _log.warning("a pager was not told", device=device, error=str(error))

    def _settle(self, device: str, given: PagerAnswer) -> tuple[str, str]:
        """Carry it out; return the state of the page and what stands against it."""
        now = self._clock.now()
        try:
            with self._database.transaction() as conn:
                view = take_answer(conn, device, given, now=now, settings=self._settings)
        except Refused as error:
            _log.warning("a pager answered somebody else's page", device=device, page=given.page_id)
            with self._database.transaction() as conn:
                note_refused(conn, device, given.page_id, now=now)
            return "refused", str(error)
        except PermanentError as error:  # somebody was first, or it is over
            return "over", str(error)
        return view.page_state.value, ""

    def _tell(self, device: str, given: PagerAnswer, state: str, detail: str) -> None:
        data = {"page_id": given.page_id, "answer": given.answer, "state": state, "detail": detail}
        command = wire.Command(
            id=f"page-state-{given.page_id}-{given.answer}",
            type="page.state",
            data=msgspec.Raw(msgspec.json.encode(data)),
            expires_at=self._clock.now() + _HOLDS,
        )
        self._session.publish_all([(str(Topic(device, Kind.CMD)), wire.encode(command))])
