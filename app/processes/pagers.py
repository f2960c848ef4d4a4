"""Responders' pagers: a session of their own, and the threads that take what they answer.

With the database away an answer goes to whoever carries the page (`app.processes.answers`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_hex
from typing import TypeAlias

import msgspec

from alerts.lifeline.records import Answer, Said
from alerts.pages import AnswerView
from alerts.paging.answers import PagerAnswer, note_refused, read_answer, take_answer
from app.processes.answers import Asking
from app.processes.in_time import InTime
from app.processes.running import session_for
from core import wire
from core.clock import Clock
from core.database import Database
from core.errors import BrokerAway, DatabaseAway, DecodeError, PermanentError, Refused
from core.ports import Message
from core.settings import Settings
from core.telemetry import REJECTS, SHED, logger
from core.topics import ANSWERS_GIVEN, Kind, Topic, parse, wildcard
from gateway.commands import CommandLine

_WAITING = 1000  # answers a line; a pager repeats what it is not told the state of
_LINES = 8  # an answer may take seconds while the database is away; those of one pager keep order
_HOLDS = timedelta(seconds=10)
_SAID: dict[str, Answer] = {
    "accept": "accept",
    "decline": "decline",
    "departed": "depart",
    "arrived": "arrive",
}
_log = logger(__name__)
_Line: TypeAlias = "queue.Queue[tuple[str, PagerAnswer] | None]"


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
            "pagers",
            settings,
            name=name,
            subscriptions=[(wildcard(Kind.REPLY), 0), (ANSWERS_GIVEN, 0)],
        )
        self.commands = CommandLine(self._session, clock)
        self._asking = Asking(lambda topic, body: self._session.publish_all([(topic, body)]))
        self._in_time = InTime()
        self._lock = threading.Lock()
        self._waiting: set[tuple[str, PagerAnswer]] = set()
        self._session.deliver_to(self._hear)
        self._lines: list[_Line] = [queue.Queue(_WAITING) for _ in range(_LINES)]
        self._threads = [
            threading.Thread(target=self._run, args=(line,), name=f"pagers-{number}", daemon=True)
            for number, line in enumerate(self._lines)
        ]

    @property
    def connected(self) -> bool:
        """Whether a page can reach its pager now."""
        return self._session.connected

    def start(self) -> None:
        self._session.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._session.stop()
        for line in self._lines:
            line.put(None)
        for thread in self._threads:
            thread.join()
        self._in_time.stop()

    def _hear(self, messages: Sequence[Message]) -> None:
        """On the network thread: replies to commands at once, answers to their line."""
        self._asking.hear(messages)
        replies = [one for one in messages if one.topic != ANSWERS_GIVEN]
        self.commands.take(replies)
        for message in replies:
            try:
                device = parse(message.topic).device
                given = read_answer(wire.decode_reply(message.payload).data)
            except DecodeError as error:
                REJECTS.labels("reply", error.reason).inc()
                continue
            if given is not None:
                self._line_up((device, given))

    def _line_up(self, one: tuple[str, PagerAnswer]) -> None:
        """A repeat of what waits already, or is being taken, waits no second time."""
        with self._lock:
            if one in self._waiting:
                return
            self._waiting.add(one)
        try:
            self._lines[hash(one[0]) % _LINES].put_nowait(one)
        except queue.Full:
            SHED.labels("pagers").inc()
            self._done(one)

    def _done(self, one: tuple[str, PagerAnswer]) -> None:
        with self._lock:
            self._waiting.discard(one)

    def _run(self, line: _Line) -> None:
        while (one := line.get()) is not None:
            device, given = one
            try:
                self._tell(device, given, *self._settle(device, given))
            except DatabaseAway as error:
                _log.warning("an answer waits for its pager to repeat it", error=str(error))
            except BrokerAway as error:
                _log.warning("a pager was not told", device=device, error=str(error))
            finally:
                self._done(one)

    def _settle(self, device: str, given: PagerAnswer) -> tuple[str, str]:
        """Carry it out; return the state of the page and what stands against it."""
        try:
            view = self._in_time.decide(
                lambda: self._commit(device, given), lambda: self._pass_on(device, given)
            )
        except Refused as error:
            _log.warning("a pager answered somebody else's page", device=device, page=given.page_id)
            with self._database.transaction() as conn:
                note_refused(conn, device, given.page_id, now=self._clock.now())
            return "refused", str(error)
        except PermanentError as error:  # somebody was first, or it is over
            return "over", str(error)
        return view.page_state.value, ""

    def _pass_on(self, device: str, given: PagerAnswer) -> AnswerView:
        return self._asking.answer(
            given.page_id, Said(_SAID[given.answer], device, channel="device")
        )

    def _commit(self, device: str, given: PagerAnswer) -> AnswerView:
        now = self._clock.now()
        with self._database.transaction() as conn:
            return take_answer(conn, device, given, now=now, settings=self._settings)

    def _tell(self, device: str, given: PagerAnswer, state: str, detail: str) -> None:
        data = {"page_id": given.page_id, "answer": given.answer, "state": state, "detail": detail}
        command = wire.Command(
            id=f"page-state-{given.page_id}-{given.answer}",
            type="page.state",
            data=msgspec.Raw(msgspec.json.encode(data)),
            expires_at=self._clock.now() + _HOLDS,
        )
        self._session.publish_all([(str(Topic(device, Kind.CMD)), wire.encode(command))])
