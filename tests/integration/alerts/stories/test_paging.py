"""Who is paged when: timelines on a real database."""

from __future__ import annotations

from datetime import time

import pytest

from alerts.lifecycle import PageState, State
from core.errors import Conflict, PermanentError, TemporaryError
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


def test_a_press_pages_the_nearest_at_once(story: Story) -> None:
    story.responder("far", km=5)
    story.responder("near", km=1)
    story.happens("sos.pressed")
    assert story.paged() == [(0.0, "near")]
    assert story.card().state is State.DISPATCHED
    assert story.moves() == ["open", "dispatch", "page", "sent"]
    page = story.pagers.pages[0]
    assert (page.kind, page.priority, page.access_note) == ("sos", 1, "key under the pot")
    assert page.distance_m == pytest.approx(1000, rel=0.001)
    assert page.page_url.startswith(f"https://door.example/page/{page.page_id}.")
    assert story.log_replays()


def test_nobody_answers_for_five_minutes(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.wait(300)
    # 15 s each in the first round, 30 s in the second, 60 s from the third on, for ever
    assert story.paged() == [
        (0.0, "first"),
        (15.0, "second"),
        (30.0, "first"),
        (60.0, "second"),
        (90.0, "first"),
        (150.0, "second"),
        (210.0, "first"),
        (270.0, "second"),
    ]
    assert story.log_replays()


def test_the_first_declines_and_the_next_is_paged_at_once(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.wait(3)
    story.decline("first")
    story.decline("first")
    assert story.paged() == [(0.0, "first"), (3.0, "second")]
    story.accept("second")
    story.wait(60)
    assert len(story.paged()) == 2
    assert story.stood_down() == []
    assert story.card().state is State.ACCEPTED


def test_everybody_declines_and_is_asked_again_but_not_in_the_same_breath(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.decline("first")
    story.decline("second")
    story.wait(16)
    assert story.paged() == [(0.0, "first"), (0.0, "second"), (15.0, "first")]
    assert story.card().pages[-1].round == 2


def test_the_first_acceptance_wins_and_the_others_stand_down(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.responder("never-asked", km=3)
    story.happens("sos.pressed")
    story.wait(16)
    story.accept("first")  # late, but nobody else has
    assert story.card().state is State.ACCEPTED
    assert story.states() == {"first": "accepted", "second": "stood_down"}
    assert story.stood_down() == ["second"]
    with pytest.raises(Conflict, match="First accepted first"):
        story.accept("second")
    story.accept("first")  # the same answer again
    story.wait(60)
    assert len(story.paged()) == 2
    assert story.moves().count("accept") == 1
    assert story.log_replays()


def test_arrived_and_closed(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    with pytest.raises(Conflict, match="only who has accepted"):
        story.arrive("first")
    story.accept("first")
    story.wait(5)
    story.arrive("first")
    assert story.arrive("first").page_state is PageState.ARRIVED
    card = story.card()
    assert (card.state, card.arrived_at) == (State.ARRIVED, story.clock.now())
    story.close()
    card = story.card()
    assert (card.state, card.closed_by, card.closing_note) == (
        State.CLOSED,
        "operator-1",
        "all well",
    )
    story.wait(120)
    assert len(story.paged()) == 1
    assert story.log_replays()


def test_an_answer_after_the_close_is_refused(story: Story) -> None:
    story.responder("first")
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.wait(15)
    story.close("false_alarm")
    assert story.stood_down() == ["first", "second"]
    for accept in (True, False):
        with pytest.raises(Conflict, match="false_alarm by operator-1"):
            story.answer("second", accept=accept)
    story.wait(120)
    assert len(story.paged()) == 2
    assert story.table("SELECT count(*) AS n FROM timers WHERE done_at IS NULL")[0]["n"] == 0


def test_who_accepted_gives_it_back_and_others_are_asked_again(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.wait(15)
    story.accept("first")
    assert story.states()["second"] == "stood_down"
    story.wait(5)
    story.decline("first")
    assert story.card().state is State.DISPATCHED
    assert story.paged()[-1] == (20.0, "second")
    assert story.accept("second").incident_state is State.ACCEPTED
    assert story.log_replays()


def test_nobody_on_shift_is_shown_and_tried_again(story: Story) -> None:
    # noon in Seoul now; this shift begins at 12:01 and ends past midnight
    story.responder("night", shift=(time(12, 1), time(2, 30)))
    story.happens("sos.pressed")
    assert story.paged() == []
    assert story.card().nobody_on_shift
    assert story.card().state is State.RAISED
    story.wait(70)
    assert story.paged() == [(60.0, "night")]
    assert not story.card().nobody_on_shift
    assert story.moves().count("nobody") == 1


def test_a_temporary_failure_is_sent_again_with_the_same_key(story: Story) -> None:
    story.responder("first")
    away = TemporaryError("connection refused")
    story.pagers.fail("first", away, away)
    story.happens("sos.pressed")
    assert story.card().pages[0].last_error == "connection refused"
    story.wait(4)
    assert story.paged() == [(3.0, "first")]  # after 1 s, then after 2 s more
    assert story.card().pages[0].state is PageState.SENT
    (delivery,) = story.table("SELECT * FROM deliveries")
    assert (delivery["state"], delivery["attempts"]) == ("sent", 3)
    page = story.pagers.pages[0]
    assert page.idempotency_key == f"{page.page_id}-webhook-page"


def test_a_permanent_failure_pages_the_next_at_once(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.pagers.fail("first", PermanentError("webhook refused with 404"))
    story.happens("sos.pressed")
    assert story.paged() == [(0.0, "second")]
    assert story.states()["first"] == "failed"
    assert story.card().pages[0].last_error == "webhook refused with 404"
    assert "undelivered" in story.moves()


def test_the_only_responder_is_beyond_reach_and_tried_every_little_while(story: Story) -> None:
    story.responder("only")
    story.pagers.fail("only", PermanentError("404"), PermanentError("404"))
    story.happens("sos.pressed")
    story.wait(60)
    assert story.paged() == [(30.0, "only")]  # tried at 0, at 15, and by the step at 30 s


def test_a_channel_with_a_bug_does_not_stop_the_dispatcher(story: Story) -> None:
    story.responder("first")
    story.pagers.fail("first", ZeroDivisionError("a bug"))
    story.happens("sos.pressed")
    story.wait(2)
    assert story.paged() == [(1.0, "first")]


def test_accepted_while_the_page_to_another_waits_for_its_retry(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.pagers.fail("second", *[TemporaryError("away")] * 3)
    story.happens("sos.pressed")
    story.wait(15)
    story.accept("first")
    story.wait(30)
    assert story.paged() == [(0.0, "first")]
    by_message = {
        row["message"]: row["state"]
        for row in story.table("SELECT message, state FROM deliveries WHERE attempts > 0")
    }
    assert by_message["page"] in ("sent", "dropped")
    # it may have arrived all the same, so the stand-down goes out, after the page was dropped
    assert story.stood_down() == ["second"]


def test_accepted_while_the_page_to_another_is_being_sent(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.pagers.on_send = lambda page: story.accept("first") if page.message == "page" else None
    story.wait(15)
    story.pagers.on_send = lambda _page: None
    story.wait(1)
    assert story.pagers.got[-2:] == [(15.0, "second", "page"), (15.0, "second", "stand_down")]
    assert story.states() == {"first": "accepted", "second": "stood_down"}
    assert story.log_replays()


def test_two_channels_of_one_responder(story: Story) -> None:
    story.responder("both", apprise_url="json://localhost/")
    story.happens("sos.pressed")
    deliveries = story.table("SELECT channel, state FROM deliveries ORDER BY channel")
    # the dispatcher of this story has no Apprise: one channel is enough, the page is sent
    assert [(d["channel"], d["state"]) for d in deliveries] == [
        ("apprise", "failed"),
        ("webhook", "sent"),
    ]
    assert story.states() == {"both": "sent"}
