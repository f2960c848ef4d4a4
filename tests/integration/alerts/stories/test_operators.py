"""What operators and residents do to an incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import board, incidents, pages
from alerts.evidence import Box
from alerts.lifecycle import State
from core.errors import Conflict, NotFound
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def test_two_operators_press_at_once(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    story.acknowledge("operator-1")
    story.acknowledge("operator-1")
    with pytest.raises(Conflict, match="operator-1 acknowledged"):
        story.acknowledge("operator-2")
    assert story.moves().count("acknowledge") == 1
    story.close(actor="operator-1")
    story.close(actor="operator-1")
    with pytest.raises(Conflict, match="closed by operator-1"):
        story.close(actor="operator-2")
    with pytest.raises(Conflict, match="closed by operator-1"):
        story.acknowledge("operator-2")


def test_acknowledging_a_life_safety_alarm_does_not_stop_paging(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.acknowledge()
    assert story.card().state is State.DISPATCHED
    story.wait(16)
    assert story.paged() == [(0.0, "first"), (15.0, "second")]


def test_an_operator_has_15_s_to_take_a_loiterer(story: Story) -> None:
    story.responder("first")
    story.loiterer()
    story.wait(14)
    assert story.paged() == []
    story.wait(2)
    assert story.paged() == [(15.0, "first")]


def test_acknowledging_a_loiterer_stops_the_automatic_dispatch(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.loiterer()
    story.wait(10)
    story.acknowledge()
    story.wait(60)
    assert story.paged() == []
    assert story.card().state is State.ACKNOWLEDGED
    story.dispatch()
    story.wait(16)  # what the operator began goes on by itself
    assert story.paged() == [(70.0, "first"), (85.0, "second")]
    assert story.log_replays()


def test_acknowledging_a_loiterer_ends_the_escalation_that_began_by_itself(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.loiterer()
    story.wait(20)
    story.acknowledge()
    story.wait(60)
    assert story.paged() == [(15.0, "first")]
    assert story.states() == {"first": "unanswered"}


def test_an_operator_sends_a_chosen_responder_and_a_second(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("chosen", km=9)
    story.happens("sos.pressed")
    assert story.dispatch("chosen") is not None
    with pytest.raises(Conflict, match="being paged"):
        story.dispatch("chosen")
    with pytest.raises(Conflict, match="everybody on shift"):
        story.dispatch()
    with pytest.raises(NotFound):
        story.dispatch("nobody-we-know")
    story.accept("chosen")
    assert story.stood_down() == ["first"]
    story.dispatch("first")
    story.accept("first")
    assert story.states() == {"chosen": "accepted", "first": "accepted"}
    story.decline("chosen")
    assert story.card().state is State.ACCEPTED  # one is still on the way
    assert story.log_replays()


def test_two_pages_side_by_side_do_not_multiply(story: Story) -> None:
    for n in range(1, 6):
        story.responder(f"r{n}", km=n)
    story.happens("sos.pressed")
    story.wait(5)
    story.dispatch()
    story.wait(31)
    # the operator's beside the step after 15 s and the two of the step after 30 s
    assert story.paged() == [
        (0.0, "r1"),
        (5.0, "r2"),
        (15.0, "r3"),
        (30.0, "r4"),
        (30.0, "r5"),
    ]


def test_dispatch_with_nobody_on_shift_is_remembered(story: Story) -> None:
    story.loiterer()
    story.acknowledge()
    assert story.dispatch() is None
    assert story.card().nobody_on_shift
    story.responder("came-on-shift")
    story.wait(15)
    assert story.paged() == [(15.0, "came-on-shift")]


def test_the_resident_cancels_and_a_human_decides(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    story.happens(story.event("sos.cancelled", "the-app"))
    card = story.card()
    assert card.resident_cancelled
    assert card.restored
    assert card.state is State.DISPATCHED
    assert story.stood_down() == []
    story.happens("sos.pressed")
    assert not story.card().resident_cancelled


def test_a_cancel_counts_though_the_clocks_of_button_and_app_differ(story: Story) -> None:
    ahead = story.clock.now() + timedelta(seconds=40)
    story.happens(story.event("sos.pressed", "button-1", at=ahead))
    cancel = story.event("sos.cancelled", "the-app")
    story.happens(cancel)
    assert story.card().resident_cancelled
    story.happens("sos.pressed")
    story.happens(cancel)  # redelivered: what was pressed since is not taken back
    assert not story.card().resident_cancelled
    assert story.moves().count("restore") == 1


def test_a_restore_without_its_alarm_changes_nothing(story: Story) -> None:
    story.happens(story.event("battery.low", "camera-1"))
    before = story.rows()
    assert story.happens(story.event("door.closed", "camera-1")) is None
    assert story.happens(story.event("battery.restored", "camera-2")) is None
    assert story.happens("loiter.ended") is None
    assert story.rows() == before
    story.happens(story.event("battery.restored", "camera-1"))
    assert story.card().restored
    assert story.card().state is State.RAISED
    assert story.happens(story.event("battery.restored", "camera-1")) is None


def test_faults_stand_on_the_board_and_page_nobody(story: Story) -> None:
    story.responder("first")
    for fault in ("camera.covered", "fault.raised", "device.offline", "door.held_open"):
        story.happens(fault)
    story.happens("sos.test")
    story.wait(120)
    assert story.paged() == []
    with story.database.transaction() as conn:
        kinds = [card.kind for card in board.queue(conn, story.clock.now())]
        assert board.counts(conn) == {
            "open": 3,
            "unacknowledged": 3,
            "p1": 0,
            "p2": 0,
            "p3": 2,
            "p4": 1,
        }
    assert kinds == ["camera", "technical", "test"]


def test_what_opens_nothing_is_passed_over(story: Story) -> None:
    assert story.happens("bell.pressed") is None
    assert set(story.rows().values()) == {0}


def test_a_duplicate_event_changes_nothing(story: Story) -> None:
    story.responder("first")
    press = story.event("sos.pressed")
    first = story.happens(press)
    before, log = story.rows(), story.moves()
    assert story.happens(press) == first
    assert (story.rows(), story.moves()) == (before, log)
    story.close()
    before = story.rows()
    assert story.happens(press) == first  # also after the close: no second incident
    assert story.rows() == before


def test_a_second_press_joins(story: Story) -> None:
    story.responder("first")
    first = story.happens("sos.pressed")
    assert story.happens("sos.pressed") == first
    assert len(story.paged()) == 1
    assert len(story.card().events) == 2
    story.close()
    assert story.happens("sos.pressed") != first


def test_notes_before_and_after_the_close(story: Story) -> None:
    story.happens("sos.pressed")
    for note in ("rang twice", "the daughter called back"):
        with story.database.transaction() as conn:
            incidents.add_note(
                conn, story.incident, actor="operator-1", now=story.clock.now(), note=note
            )
        if not story.card().closed_at:
            story.close("cancelled")
    notes = [line.detail["note"] for line in story.card().timeline if line.move == "note"]
    assert notes == ["rang twice", "the daughter called back"]
    assert story.log_replays()


def test_a_home_is_shown_only_while_there_is_a_reason(story: Story) -> None:
    story.responder("first")
    evidence = (
        b'{"box":{"x":0.1,"y":0.2,"w":0.3,"h":0.4},"evidence":[{"key":"a/b.jpg","sha256":"00","size_bytes":9,'
        b'"captured_at":"2026-11-22T03:00:00Z"},"damaged"]}'
    )
    story.happens(story.event("loiter.started", "camera-1", data=evidence))
    story.dispatch()
    with story.database.transaction() as conn:
        view = pages.page_view(conn, story.page_of("first"))
    assert (view.address, view.access_note, view.over) == ("Jongno 1", "key under the pot", False)
    assert [line.key for line in view.evidence] == ["a/b.jpg"]
    (line,) = story.card().evidence
    assert (line.key, line.box) == ("a/b.jpg", Box(0.1, 0.2, 0.3, 0.4))
    story.accept("first")
    story.close()
    with story.database.transaction() as conn:
        view = pages.page_view(conn, story.page_of("first"))
    assert (view.address, view.access_note, view.lat, view.over) == ("", "", None, True)
    assert view.evidence == []
    assert view.accepted_by == "First"


def test_what_does_not_exist_is_not_found(story: Story) -> None:
    now = story.clock.now()
    with story.database.transaction() as conn:
        with pytest.raises(NotFound):
            board.card(conn, 99)
        with pytest.raises(NotFound):
            pages.page_view(conn, 99)
        with pytest.raises(NotFound):
            pages.answer(conn, 99, accept=True, now=now, settings=SETTINGS)
        with pytest.raises(NotFound):
            incidents.acknowledge(conn, 99, actor="operator-1", now=now)


def test_the_queue_is_ordered_and_read_with_few_queries(story: Story) -> None:
    for n in range(2, 6):
        story.home(f"home-{n}")
        story.skip(seconds=1)
        story.happens(story.event("battery.low", household_id=f"home-{n}"))
        story.happens(story.event("sos.pressed", household_id=f"home-{n}"))
    with story.database.transaction() as conn:
        made: list[str] = []
        real = conn.execute
        conn.execute = lambda q, *a, **k: (made.append(q), real(q, *a, **k))[1]  # type: ignore[method-assign,assignment,misc]
        try:
            cards = board.queue(conn, story.clock.now())
        finally:
            del conn.execute  # type: ignore[method-assign]
    assert [card.priority for card in cards] == [1] * 4 + [4] * 4
    assert [card.household_id for card in cards[:4]] == [f"home-{n}" for n in range(2, 6)]
    assert len(made) == 8
    story.close()
    with story.database.transaction() as conn:
        assert [card.household_id for card in board.recent(conn, 10)] == ["home-5"]
