"""Two people, or a person and a timer, in the same moment: one comes first, nothing is lost.

Real transactions beside each other: the second waits for the lock that the first holds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from alerts import incidents, pages
from alerts.cancelling import cancel
from alerts.code_words import Meaning
from alerts.escalation import fire_due
from alerts.lifecycle import State
from core.database import Connection, connect
from core.errors import Conflict
from tests.integration.alerts.story import SETTINGS, Story
from tests.integration.alerts.test_racing import wait_for_lock

pytestmark = pytest.mark.integration
_First, _Second = TypeVar("_First"), TypeVar("_Second")


def one_then_other(
    story: Story, one: Callable[[Connection], _First], other: Callable[[Connection], _Second]
) -> tuple[_First, _Second | Conflict]:
    """Let `one` do its work; `other` comes before it has committed, and is told what came of it."""

    def second() -> _Second | Conflict:
        with connect(story.database.dsn) as conn:
            try:
                return other(conn)
            except Conflict as conflict:
                return conflict

    with ThreadPoolExecutor(1) as pool, connect(story.database.dsn) as conn:
        first = one(conn)
        waiting = pool.submit(second)
        wait_for_lock(story)
        conn.commit()
        answer = waiting.result(timeout=30)
    story.dispatcher.deliver_due()
    return first, answer


def accepts(story: Story, who: str) -> Callable[[Connection], pages.AnswerView]:
    page_id, now = story.page_of(who), story.clock.now()
    return lambda conn: pages.answer(conn, page_id, accept=True, now=now, settings=SETTINGS)


def closes(story: Story, actor: str) -> Callable[[Connection], None]:
    now = story.clock.now()
    return lambda conn: incidents.close(
        conn, story.incident, actor=actor, now=now, outcome="closed"
    )


@pytest.fixture
def unanswered(story: Story) -> Story:
    """Fifteen seconds after the press: the first has not answered, the timers are due now."""
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.press()
    story.expect("first")
    story.skip(seconds=15)
    return story


def test_an_acceptance_comes_while_the_escalation_asks_the_next(unanswered: Story) -> None:
    story = unanswered
    now = story.clock.now()
    accept = accepts(story, "first")
    _, answer = one_then_other(
        story, lambda conn: fire_due(conn, now=now, settings=SETTINGS), accept
    )
    assert isinstance(answer, pages.AnswerView)
    assert answer.accepted
    assert story.states() == {"first": "accepted", "second": "stood_down"}
    story.wait(120)
    story.expect()  # the page to the second was dropped before it went out
    assert story.log_replays()


def test_the_escalation_comes_while_the_acceptance_commits(unanswered: Story) -> None:
    story = unanswered
    story.accept("first")
    story.fast_forward(minutes=2)
    story.expect()
    assert story.states() == {"first": "accepted"}
    assert "unanswered" not in story.moves()


def test_two_guards_accept_in_the_same_moment(unanswered: Story) -> None:
    story = unanswered
    story.wait(1)
    story.expect("second")
    _, answer = one_then_other(story, accepts(story, "second"), accepts(story, "first"))
    assert str(answer) == "Second accepted first"
    assert story.states() == {"first": "stood_down", "second": "accepted"}
    assert story.stood_down() == ["first"]


def test_the_operator_closes_while_a_guard_accepts(unanswered: Story) -> None:
    story = unanswered
    _, answer = one_then_other(story, closes(story, "operator-1"), accepts(story, "first"))
    assert "closed by operator-1" in str(answer)
    assert story.card().state is State.CLOSED
    assert story.stood_down() == ["first"]


def test_two_operators_close_in_the_same_moment(unanswered: Story) -> None:
    story = unanswered
    _, answer = one_then_other(story, closes(story, "operator-1"), closes(story, "operator-2"))
    assert "closed by operator-1" in str(answer)
    assert story.moves().count("close") == 1


def test_the_resident_cancels_while_a_guard_accepts(unanswered: Story) -> None:
    story = unanswered
    now = story.clock.now()

    def says_the_word(conn: Connection) -> bool:
        word = Meaning.CANCEL
        given = {"actor": "kim", "now": now, "settings": SETTINGS}
        return cancel(conn, "home-1", story.incident, word, **given).accepted  # type: ignore[arg-type]

    _, accepted = one_then_other(story, accepts(story, "first"), says_the_word)
    assert accepted is True
    assert story.card().state is State.CANCELLED
    assert story.stood_down() == ["first"]  # on the way already, and told to turn round
    assert story.log_replays()
