"""The resident says the other word: it looks cancelled to whoever stands beside them."""

from __future__ import annotations

import pytest

from alerts.cancelling import Answer, cancel
from alerts.code_words import Meaning
from alerts.lifecycle import State
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


def says(story: Story, word: Meaning | None) -> Answer:
    with story.database.transaction() as conn:
        answer = cancel(
            conn,
            "home-1",
            story.incident,
            word,
            actor="kim",
            now=story.clock.now(),
            settings=story.settings,
        )
    story.dispatcher.deliver_due()
    return answer


def test_the_resident_cancels_under_duress(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.press()
    story.acknowledge()
    assert says(story, Meaning.DURESS) == Answer(accepted=True, left=5)
    card = story.card()
    assert (card.kind, card.priority, card.level, card.acknowledged_by) == ("duress", 1, 4, None)
    assert story.stood_down() == []
    story.fast_forward(minutes=5)  # and it is not forgotten until somebody accepts
    assert {who for _at_s, who in story.paged()[-2:]} == {"first", "second"}
    assert story.log_replays()


def test_the_resident_cancels_and_was_not_forced(story: Story) -> None:
    story.responder("first")
    story.press()
    assert says(story, Meaning.CANCEL).accepted
    assert story.card().state is State.CANCELLED
    assert story.stood_down() == ["first"]
    story.fast_forward(minutes=5)
    story.expect("first")


def test_a_stranger_guesses_the_word(story: Story) -> None:
    story.responder("first")
    story.press()
    assert [says(story, None).left for _ in range(6)] == [4, 3, 2, 1, 0, 0]
    assert not says(story, Meaning.CANCEL).accepted  # now only the operator cancels
    assert story.card().state is State.DISPATCHED
    assert not says(story, Meaning.DURESS).accepted  # and yet it is heard
    assert story.card().kind == "duress"
    assert story.log_replays()


def test_another_press_after_a_duress_cancel_is_a_call_of_its_own(story: Story) -> None:
    story.responder("first")
    first = story.press()
    says(story, Meaning.DURESS)
    assert story.press() != first  # as it would be after a true cancel
    assert story.rows()["incidents"] == 2
