"""A responder's answer on its way to whichever process carries the incident, past the database.

Whoever heard it (the app by a link, an alarms process by a pager) asks all at once over the broker;
who carries the page journals the answer and says what stands; the others say nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import TypeAlias

import msgspec

from alerts.lifeline.records import Said
from alerts.pages import AnswerView, PageView
from app.processes.lifeline import Lifeline
from core.errors import BrokerAway, Conflict, DatabaseAway, Refused, TemporaryError
from core.ports import Message
from core.telemetry import logger
from core.topics import ANSWERS_ASKED, ANSWERS_GIVEN

_WITHIN_S = 2.0
_log = logger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """What a responder says of a page, or to look at it; `question` names this question.

    `shown` tells a look that shows the home from one at how it stands.
    """

    question: str
    page_id: int
    said: Said | None = None
    shown: bool = True


class Given(msgspec.Struct, frozen=True):
    """What came of it: one of the four."""

    question: str
    answer: AnswerView | None = None
    page: PageView | None = None
    conflict: str = ""
    refused: str = ""
    code: str = ""  # of the error, with what its words are filled with
    given: dict[str, str | int] = {}


_ASKED = msgspec.json.Decoder(Asked)
_GIVEN = msgspec.json.Decoder(Given)
Publish: TypeAlias = Callable[[str, bytes], None]


class Answering:
    """The side of those who carry. `hear` takes a question; the work is done in a thread."""

    def __init__(self, lifeline: Lifeline, publish: Publish) -> None:
        self._lifeline = lifeline
        self._publish = publish
        self._questions: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="answering")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._questions.put(None)
        self._thread.join()

    def hear(self, message: Message) -> None:
        """Take a question from the network thread."""
        try:
            self._questions.put(_ASKED.decode(message.payload))
        except msgspec.MsgspecError as error:  # of an app of another version
            _log.error("a question is not understood", error=str(error))

    def _run(self) -> None:
        while (asked := self._questions.get()) is not None:
            try:
                given = self._given(asked)
                if given is not None:
                    self._publish(ANSWERS_GIVEN, msgspec.json.encode(given))
            except TemporaryError as error:
                _log.error("an answer was not taken", page_id=asked.page_id, error=str(error))

    def _given(self, asked: Asked) -> Given | None:
        try:
            if asked.said is None:
                page = self._lifeline.look(asked.page_id, shown=asked.shown)
                return Given(asked.question, page=page) if page else None
            answer = self._lifeline.answer(asked.page_id, asked.said)
            return Given(asked.question, answer=answer) if answer else None
        except Refused as error:
            return Given(asked.question, refused=str(error), code=error.code, given=error.given)
        except Conflict as error:
            return Given(asked.question, conflict=str(error), code=error.code, given=error.given)


class Asking:
    """The side of those who were told an answer and cannot write it down."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._open: dict[str, queue.SimpleQueue[Given]] = {}

    def hear(self, messages: Sequence[Message]) -> None:
        """Take what those who carry say."""
        for message in messages:
            if message.topic != ANSWERS_GIVEN:
                continue
            try:
                given = _GIVEN.decode(message.payload)
            except msgspec.MsgspecError as error:
                _log.error("an answer is not understood", error=str(error))
                continue
            with self._lock:
                waiting = self._open.get(given.question)
            if waiting is not None:
                waiting.put(given)

    def answer(self, page_id: int, said: Said) -> AnswerView:
        """Have a responder's answer taken.

        Raises `Conflict`, `Refused`, `DatabaseAway` where nobody carries the page.
        """
        told = self._ask(Asked(token_hex(8), page_id, said))
        if told.refused:
            raise Refused(told.refused, told.code, **told.given)
        if told.answer is None:
            raise Conflict(told.conflict, told.code, **told.given)
        return told.answer

    def look(self, page_id: int, *, shown: bool) -> PageView:
        """Return what a responder may see. Raises `DatabaseAway` where nobody carries the page."""
        told = self._ask(Asked(token_hex(8), page_id, shown=shown))
        if told.page is None:
            raise DatabaseAway(told.conflict)
        return told.page

    def _ask(self, asked: Asked) -> Given:
        waiting: queue.SimpleQueue[Given] = queue.SimpleQueue()
        with self._lock:
            self._open[asked.question] = waiting
        try:
            self._publish(ANSWERS_ASKED, msgspec.json.encode(asked))
            return waiting.get(timeout=_WITHIN_S)
        except (queue.Empty, BrokerAway):
            raise DatabaseAway(f"nobody carries page {asked.page_id} at the moment") from None
        finally:
            with self._lock:
                del self._open[asked.question]
