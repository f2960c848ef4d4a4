"""An incident turns out to be another: who is on the way is told, who is not needed not sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from alerts import incidents
from alerts.cancelling import cancel
from alerts.code_words import Meaning
from alerts.lifecycle import State
from core.database import connect
from core.errors import TemporaryError
from core.model import Event
from ingest.handoff import hand_off
from ingest.store import store
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


@pytest.fixture
def on_the_way(story: Story) -> Story:
    """A guard has accepted to look after a loiterer."""
    story.responder("guard", kind="guard")
    story.loiterer()
    story.wait(15)
    story.accept("guard")
    return story


def told(story: Story) -> list[tuple[str, int]]:
    return [(page.kind, page.priority) for page in story.pagers.pages if page.message == "update"]


def test_the_guard_on_the_way_to_a_loiterer_is_told_of_the_forced_door(on_the_way: Story) -> None:
    on_the_way.happens("door.forced")
    assert told(on_the_way) == [("intrusion", 1)]
    assert on_the_way.moves()[-2:] == ["upgrade", "inform"]
    on_the_way.wait(60)
    assert len(told(on_the_way)) == 1
    assert on_the_way.log_replays()


def test_the_guard_on_the_way_is_told_of_a_cancel_under_duress(on_the_way: Story) -> None:
    on_the_way.happens("door.forced")
    with on_the_way.database.transaction() as conn:
        now, settings = on_the_way.clock.now(), on_the_way.settings
        word = Meaning.DURESS
        cancel(
            conn, "home-1", on_the_way.incident, word, actor="kim", now=now, settings=settings
        )  # fmt: skip
    on_the_way.dispatcher.deliver_due()
    assert told(on_the_way) == [("intrusion", 1), ("duress", 1)]
    keys = [page.idempotency_key for page in on_the_way.pagers.pages if page.message == "update"]
    assert len(set(keys)) == 2  # the second is no repeat of the first
    assert on_the_way.stood_down() == []


def test_the_news_is_sent_again_until_it_arrives_and_not_after_the_end(on_the_way: Story) -> None:
    on_the_way.pagers.fail("guard", *[TemporaryError("away")] * 9)
    on_the_way.happens("door.forced")
    assert told(on_the_way) == []
    on_the_way.close()
    on_the_way.pagers.fail("guard")
    on_the_way.fast_forward(minutes=2)
    assert told(on_the_way) == []
    assert on_the_way.stood_down() == ["guard"]


def test_who_is_only_asked_is_not_told_twice(story: Story) -> None:
    story.responder("guard")
    story.loiterer()
    story.wait(15)
    story.happens("door.forced")
    assert told(story) == []


@pytest.fixture
def unlocks(story: Story) -> Callable[..., Event]:
    """The door unlocked with the credential of somebody who lives there, as ingest takes it."""
    with story.database.transaction() as conn:
        conn.execute(
            "INSERT INTO users (user_id, role, password_argon2) VALUES ('kim', 'resident', '')"
        )
        conn.execute("INSERT INTO user_households VALUES ('kim', 'home-1')")

    def unlock(at_s: float = 0) -> Event:
        at = story.clock.now() + timedelta(seconds=at_s)
        given = {"at": at, "received_at": at, "data": b'{"user":"kim"}'}
        return story.event("door.unlocked", "lock-1", **given)

    return unlock


def test_the_resident_unlocks_in_the_moment_the_loitering_is_opened(
    story: Story, unlocks: Callable[..., Event]
) -> None:
    story.responder("guard")
    now, event = story.clock.now(), story.event("loiter.started")
    with connect(story.database.dsn) as opening, story.database.transaction() as ingest:
        story.incident = incidents.on_event(opening, event, now=now, settings=story.settings) or 0
        # ingest stores the unlocking, and sees no open incident to hand it over for
        assert hand_off(ingest, store(ingest, [unlocks()])) == 0
        opening.commit()
    story.wait(3)
    card = story.card()
    assert (card.state, card.closed_by) == (State.FALSE_ALARM, "device:lock-1")
    story.fast_forward(minutes=10)
    story.expect()


def test_who_unlocked_before_the_loiterer_came_does_not_excuse_him(
    story: Story, unlocks: Callable[..., Event]
) -> None:
    story.responder("guard")
    with story.database.transaction() as ingest:
        store(ingest, [unlocks()])
    story.skip(seconds=10)
    story.happens("loiter.started")
    story.wait(10)
    assert story.card().state is State.RAISED
