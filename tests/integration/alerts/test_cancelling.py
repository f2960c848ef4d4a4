"""A resident cancels with a code word; the duress word looks the same and raises the incident."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import audit, code_words, incidents
from alerts.cancelling import Answer, cancel
from alerts.code_words import Meaning
from alerts.lifecycle import State
from alerts.policy import Kind
from core.errors import NotFound, PermanentError
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def say(story: Story, meaning: Meaning | None, incident: int | None = None) -> Answer:
    with story.database.transaction() as conn:
        answer = cancel(
            conn,
            "home-1",
            incident or story.incident,
            meaning,
            actor="kim",
            now=story.clock.now(),
            settings=SETTINGS,
        )
    story.dispatcher.deliver_due()
    return answer


def shown(story: Story) -> list[tuple[Any, ...]]:
    """Return what a resident can see of the incidents, by the query of the API."""
    from app.api.desk import fetch_all  # noqa: PLC0415

    with story.database.transaction() as conn:
        rows = fetch_all(conn, "incidents", {"household_id": "home-1", "limit": 100})
    return [(row["kind"], row["state"], row["closed_at"]) for row in rows]


def test_the_code_word_cancels(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    assert say(story, Meaning.CANCEL).accepted
    card = story.card()
    assert (card.state, card.closed_by, card.level) == (State.CANCELLED, "kim", 0)
    assert story.stood_down() == ["first"]
    before = story.rows()
    assert say(story, Meaning.CANCEL).accepted  # again
    assert story.rows() == before
    story.wait(60)
    assert len(story.paged()) == 1
    assert story.log_replays()


def test_the_duress_word_raises_silently(story: Story) -> None:
    story.responder("first")
    story.happens("loiter.started")
    story.acknowledge()
    assert story.paged() == []
    assert say(story, Meaning.DURESS).accepted
    card = story.card()
    assert (card.kind, card.priority, card.level) == (Kind.DURESS, 1, 4)
    assert card.acknowledged_at is None  # it rings
    assert story.paged() == [(0.0, "first")]
    assert story.pagers.pages[-1].kind == "duress"
    assert story.stood_down() == []
    assert story.log_replays()
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


@pytest.mark.parametrize("alarm", ["sos.pressed", "loiter.started"])
def test_nothing_on_the_residents_side_differs(story: Story, alarm: str) -> None:
    """The same scene twice, once with each word: every answer and every view is equal."""
    story.responder("first")
    seen: list[list[Any]] = []
    for word in (Meaning.CANCEL, Meaning.DURESS):
        story.clock.advance(3600)
        story.happens(alarm)
        story.wait(5)
        first, now = story.incident, story.clock.now()
        scene: list[Any] = [say(story, None), say(story, word), say(story, word)]
        kind, state, closed_at = shown(story)[0]
        scene += [kind, state, closed_at == now, len(shown(story))]
        again = story.happens(alarm)
        scene += [again != first, [row[:2] for row in shown(story)[:2]]]
        story.close("test")
        scene[6] -= len(seen) * 2
        seen.append(scene)
    assert seen[0] == seen[1]
    (open_,) = story.table("SELECT kind FROM incidents WHERE closed_at IS NULL")
    assert open_["kind"] == "duress"


def test_after_a_true_cancel_the_duress_word_is_still_heard(story: Story) -> None:
    story.responder("first")
    first = story.happens("sos.pressed")
    say(story, Meaning.CANCEL)
    before = shown(story)
    assert say(story, Meaning.DURESS, first).accepted
    assert shown(story) == before
    (hidden,) = story.table("SELECT incident_id FROM incidents WHERE closed_at IS NULL")
    story.incident = hidden["incident_id"]
    assert (story.card().kind, story.card().priority) == (Kind.DURESS, 1)
    assert [who for _, who in story.paged()] == ["first", "first"]
    with pytest.raises(NotFound):
        say(story, Meaning.CANCEL)  # the resident does not know of it
    assert say(story, Meaning.DURESS, first).accepted
    assert story.moves().count("duress") == 1


def test_a_duress_incident_is_cancelled_by_no_word(story: Story) -> None:
    story.happens("sos.pressed")
    say(story, Meaning.DURESS)
    assert say(story, Meaning.CANCEL).accepted
    assert story.card().state is not State.CANCELLED


def test_wrong_words_are_counted_and_logged(story: Story) -> None:
    story.happens("sos.pressed")
    answers = [say(story, None) for _ in range(7)]
    assert [one.left for one in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert story.moves().count("wrong_word") == 5
    assert say(story, Meaning.CANCEL) == Answer(accepted=False, left=0)
    assert story.card().closed_at is None
    # the same answer, and help
    assert say(story, Meaning.DURESS) == Answer(accepted=False, left=0)
    assert story.card().kind == Kind.DURESS
    assert shown(story)[0][:2] == ("sos", "raised")
    assert story.log_replays()


def test_another_homes_incident_is_not_found(story: Story) -> None:
    story.home("home-2")
    other = story.happens(story.event("sos.pressed", household_id="home-2"))
    with pytest.raises(NotFound):
        say(story, Meaning.CANCEL, other)
    with pytest.raises(NotFound):
        say(story, Meaning.CANCEL, 999)


def test_reopened_it_shows_what_it_is(story: Story) -> None:
    story.happens("sos.pressed")
    say(story, Meaning.DURESS)
    story.close()
    assert shown(story)[0][1] == "cancelled"
    with story.database.transaction() as conn:
        incidents.reopen(
            conn, story.incident, actor="op", now=story.clock.now(), why="the resident is safe"
        )
    assert shown(story)[0][1] == "acknowledged"


def test_words_are_kept_as_hashes_only_and_checked(story: Story) -> None:
    now = story.clock.now()
    with story.database.transaction() as conn:
        for cancel_word, duress_word in (("abc", "defgh"), ("same word", "SAMEWORD")):
            with pytest.raises(PermanentError):
                code_words.set_words(
                    conn, "home-1", cancel=cancel_word, duress=duress_word, now=now
                )
        with pytest.raises(NotFound):
            code_words.set_words(conn, "nowhere", cancel="first word", duress="other", now=now)
        code_words.set_words(conn, "home-1", cancel="first word", duress="other", now=now)
        code_words.set_words(conn, "home-1", cancel="blue bird", duress="green bird", now=now)
        kept = code_words.kept(conn, "home-1")
    assert all(value.startswith("$argon2id$") for value in kept.values())
    assert code_words.meaning_of(kept, "Blue bird") is Meaning.CANCEL
    assert code_words.meaning_of(kept, "greenbird") is Meaning.DURESS
    assert code_words.meaning_of(kept, "first word") is None
