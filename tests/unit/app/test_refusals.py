"""A refusal in words: by its code, in the reader's language, also past the database."""

from __future__ import annotations

from typing import cast

import pytest

from alerts.lifecycle import Move, State, after
from alerts.lifeline.records import Said
from app.console.words import Words
from app.processes.answers import Answering, Asking
from app.processes.lifeline import Lifeline
from core.errors import Conflict, IllegalMove, PermanentError, Refused
from core.ports import Message


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "This incident is over: False alarm."),
        ("ko", "이미 끝난 사건입니다: 오경보."),
    ],
)
def test_a_refusal_is_said_in_the_readers_language(language: str, text: str) -> None:
    error = Conflict("incident 3 is over", "incident.over", state=State.FALSE_ALARM, by="kim")
    assert Words(language).refusal(error) == text
    assert str(error) == "incident 3 is over"  # for logs and programs


def test_a_move_that_cannot_follow_says_where_the_incident_stands() -> None:
    with pytest.raises(IllegalMove) as refused:
        after(State.CLOSED, Move.ACKNOWLEDGE)
    assert "종료" in Words("ko").refusal(refused.value)


def test_what_has_no_code_is_said_as_it_is() -> None:
    assert Words("ko").refusal(PermanentError("no such file")) == "no such file"


def test_a_code_alone_is_enough_where_its_words_need_nothing() -> None:
    assert Words("en").why("page.taken") == "Somebody else accepted first."
    assert Words("en").why("incident.over") == ""  # which state is not known
    assert Words("en").why("<script>") == ""


@pytest.mark.parametrize(
    "error",
    [
        Conflict("Crew 7 accepted first", "page.taken", by="Crew 7"),
        Refused("page 5 was not sent to pager-1", "page.others"),
    ],
)
def test_a_refusal_by_who_carries_the_page_keeps_its_code(error: PermanentError) -> None:
    class Carrying:
        def answer(self, page_id: int, said: Said) -> None:
            raise error

    asking = Asking(lambda topic, body: answering.hear(Message(topic, body)))
    answering = Answering(
        cast("Lifeline", Carrying()), lambda topic, body: asking.hear([Message(topic, body)])
    )
    answering.start()
    try:
        with pytest.raises(type(error)) as told:
            asking.answer(5, Said("accept"))
    finally:
        answering.stop()
    assert (str(told.value), told.value.code) == (str(error), error.code)
    assert told.value.given == error.given
