"""Alarmed again, overdue, a responder removed, ranking broken: the incident is not forgotten."""

from __future__ import annotations

from zoneinfo import ZoneInfoNotFoundError

import pytest

from alerts import audit, board, crew, incidents, pages, responders
from alerts.lifecycle import PageState, State
from core import sql
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration

LIMIT_S = 25 * 60


def _sound(story: Story) -> None:
    assert story.log_replays()
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def _let_pass(story: Story, seconds: float) -> None:
    story.skip(seconds=seconds)
    story.escalation.tick()
    story.dispatcher.deliver_due()


def _remove(story: Story, responder_id: str) -> None:
    with story.database.transaction() as conn:
        responders.remove(conn, responder_id, now=story.clock.now())


def test_pressed_again_after_the_arrival_pages_again(story: Story) -> None:
    story.responder("only")
    event = story.event("sos.pressed")
    story.happens(event)
    story.accept("only")
    story.arrive("only")
    story.happens(event)  # redelivered
    assert len(story.paged()) == 1
    story.happens("sos.pressed")
    story.happens("sos.pressed")  # joins: somebody is being asked
    assert [who for _, who in story.paged()] == ["only", "only"]
    assert story.card().state is State.DISPATCHED
    assert story.accept("only").incident_state is State.ACCEPTED
    story.decline("only")  # who came the first time is not on the way now
    assert story.card().state is State.DISPATCHED
    story.wait(30)
    assert len(story.paged()) == 3
    story.accept("only")
    assert story.arrive("only").incident_state is State.ARRIVED
    _sound(story)


def test_pressed_again_while_the_responder_is_overdue_pages_again(story: Story) -> None:
    story.responder("only")
    story.happens("sos.pressed")
    story.accept("only")
    story.skip(seconds=LIMIT_S - 1)
    story.happens("sos.pressed")
    assert len(story.paged()) == 1
    story.skip(seconds=1)
    story.happens("sos.pressed")
    assert len(story.paged()) == 2
    assert story.card().overdue
    _let_pass(story, 1)
    assert story.moves().count("overdue") == 1
    _sound(story)


def test_pressed_again_a_minute_after_the_acknowledgement_rings(story: Story) -> None:
    story.happens("sos.pressed")
    story.acknowledge()
    story.skip(seconds=60)
    story.happens("sos.pressed")
    assert story.card().acknowledged_by == "operator-1"
    story.skip(seconds=1)
    story.happens("sos.pressed")
    card = story.card()
    assert (card.acknowledged_at, card.acknowledged_by) == (None, None)
    assert (card.state, card.timeline[-1].move) == (State.RAISED, "ring")
    story.acknowledge("operator-2")
    assert story.card().acknowledged_by == "operator-2"
    _sound(story)


def test_a_lesser_alarm_again_only_joins(story: Story) -> None:
    story.happens("tamper.opened")
    story.acknowledge()
    story.skip(seconds=61)
    story.happens("tamper.opened")
    assert story.card().acknowledged_by == "operator-1"


@pytest.mark.parametrize("alarm", ["sos.pressed", "tamper.opened"])
def test_who_accepted_and_does_not_come_is_followed_by_the_next(story: Story, alarm: str) -> None:
    story.responder("late", km=1)
    story.responder("next", km=2)
    story.happens(alarm)
    grace_s = 15 if alarm == "tamper.opened" else 0
    story.wait(grace_s)
    story.accept("late")
    before = len(story.paged())
    _let_pass(story, LIMIT_S - 1 - grace_s)
    assert len(story.paged()) == before
    assert not story.card().overdue
    _let_pass(story, 1 + grace_s)
    assert [who for _, who in story.paged()] == ["late", "next"]
    card = story.card()
    assert (card.overdue, card.state) == (True, State.DISPATCHED)
    story.accept("next")
    assert story.states() == {"late": "accepted", "next": "accepted"}
    story.decline("next")
    assert story.card().state is State.DISPATCHED
    with story.database.transaction() as conn:  # after all, by the first page
        first = story.card().pages[0].page_id
        pages.arrive(conn, first, now=story.clock.now())
    card = story.card()
    assert (card.overdue, card.state) == (False, State.ARRIVED)
    assert not any(page.state in (PageState.PLANNED, PageState.SENT) for page in card.pages)
    _sound(story)


def test_who_is_overdue_and_alone_is_asked_again(story: Story) -> None:
    story.responder("late")
    story.happens("sos.pressed")
    story.accept("late")
    _let_pass(story, LIMIT_S)
    assert [who for _, who in story.paged()] == ["late", "late"]
    story.accept("late")
    _let_pass(story, LIMIT_S)
    assert story.moves().count("overdue") == 2
    _sound(story)


def test_an_arrival_in_time_or_a_close_ends_the_waiting(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    story.accept("first")
    story.arrive("first")
    _let_pass(story, 2 * LIMIT_S)
    assert "overdue" not in story.moves()
    assert story.table("SELECT FROM timers WHERE done_at IS NULL") == []


def test_an_unanswered_page_of_a_removed_responder_goes_to_the_next_at_once(story: Story) -> None:
    story.responder("gone", km=1)
    story.responder("next", km=2)
    story.happens("sos.pressed")
    story.wait(3)
    _remove(story, "gone")
    story.escalation.tick()
    story.dispatcher.deliver_due()
    assert story.paged() == [(0.0, "gone"), (3.0, "next")]
    _sound(story)


def test_a_queued_page_of_a_removed_responder_is_dropped(story: Story) -> None:
    story.responder("gone")
    with story.database.transaction() as conn:
        event = story.event("sos.pressed")
        story.incident = (
            incidents.on_event(conn, event, now=story.clock.now(), settings=SETTINGS) or 0
        )
    _remove(story, "gone")
    story.wait(1)
    assert story.pagers.got == []
    assert story.card().nobody_on_shift
    story.responder("new")
    story.wait(16)
    assert [who for _, who in story.paged()] == ["new"]
    assert [row["state"] for row in story.table("SELECT state FROM deliveries ORDER BY 1")] == [
        "dropped",
        "sent",
    ]


def test_a_ranking_that_fails_pages_everybody(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, kind in (("crew", "crew"), ("guard", "guard"), ("away", "crew"), ("eng", "engineer")):
        story.responder(name, kind=kind)
    story.absent("away")

    def poisoned(*_args: object, **_more: object) -> None:
        raise ZoneInfoNotFoundError("no such zone")

    monkeypatch.setattr(crew, "rank", poisoned)
    story.happens("sos.pressed")
    assert sorted(who for _, who in story.paged()) == ["crew", "guard"]
    (line,) = [line for line in story.card().timeline if line.move == "fallback"]
    assert line.detail == {"error": "ZoneInfoNotFoundError"}
    assert story.accept("guard").incident_state is State.ACCEPTED
    _sound(story)


def test_a_chatty_incident_does_not_grow_the_board(story: Story) -> None:
    story.happens("sos.pressed")
    assert story.card().nobody_on_shift
    story.happens("sos.cancelled")
    with story.database.transaction() as conn:
        for n in range(120):
            incidents.add_note(conn, story.incident, actor="op", now=story.clock.now(), note=str(n))
    card = story.card()
    assert len(card.timeline) == 100
    assert card.timeline[-1].n == 123
    assert (card.resident_cancelled, card.restored, card.nobody_on_shift) == (True, True, True)


def test_only_the_newest_events_are_on_the_card(story: Story) -> None:
    for _ in range(60):
        story.skip(seconds=1)
        story.happens("loiter.updated")
    events = story.card().events
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert (len(events), events[-1].at) == (50, story.clock.now())
    assert not story.card().restored


def test_what_was_closed_last_is_found_by_its_index(story: Story) -> None:
    closed = []
    for kind in ("sos.pressed", "tamper.opened", "duress.pressed"):
        story.happens(kind)
        closed.append(story.incident)
    for incident_id in (closed[2], closed[0], closed[1]):
        story.incident = incident_id
        story.skip(seconds=1)
        story.close()
    with story.database.transaction() as conn:
        assert [c.incident_id for c in board.recent(conn, 2)] == [closed[1], closed[0]]
        conn.execute("SET LOCAL enable_seqscan = off")
        plan = conn.execute(
            "EXPLAIN " + sql.load("alerts", "board.sql")["closed_incidents"], {"limit": 10}
        ).fetchall()
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "incidents_closed" in text
    assert "Sort" not in text
