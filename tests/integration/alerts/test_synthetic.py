"""The synthetic SOS disturbs nobody; its failure pages the engineer on shift."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from alerts import board, incidents, responders, synthetic
from alerts.lifecycle import State
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


@pytest.fixture
def watched(story: Story) -> Story:
    story.home("synthetic")
    with story.database.transaction() as conn:
        responders.ensure_synthetic(conn, story.clock.now())
        responders.ensure_synthetic(conn, story.clock.now())
    story.responder("crew")
    story.responder("engineer", kind="engineer")
    return story


def _page_engineers(story: Story) -> None:
    with story.database.transaction() as conn:
        story.incident = synthetic.page_engineers(
            conn, story.clock.now(), SETTINGS, "no ack within 5 s"
        )
    story.dispatcher.deliver_due()


def test_a_synthetic_sos_goes_the_whole_way_and_is_closed(watched: Story) -> None:
    event = watched.event("sos.test", "synthetic-1", household_id="synthetic")
    with watched.database.transaction() as conn:
        watched.incident = (
            incidents.on_event(conn, event, now=watched.clock.now(), settings=SETTINGS) or 0
        )
        assert synthetic.open_test(conn) == watched.incident
        assert synthetic.finish_test(conn, watched.incident, now=watched.clock.now()) is None
    watched.dispatcher.deliver_due()
    with watched.database.transaction() as conn:
        assert board.queue(conn, watched.clock.now()) == []
        sent_at = synthetic.finish_test(conn, watched.incident, now=watched.clock.now())
        assert synthetic.open_test(conn) is None
    assert sent_at == watched.clock.now()
    assert watched.card().state is State.CLOSED
    assert watched.paged() == []
    assert watched.log_replays()


def test_a_failure_pages_engineers_until_one_accepts(watched: Story) -> None:
    watched.responder("asleep", kind="engineer", km=0.1, shift=(time(0), time(6)))
    _page_engineers(watched)
    assert watched.paged() == [(0.0, "engineer")]
    _page_engineers(watched)
    assert len(watched.paged()) == 1
    watched.wait(16)
    assert watched.paged() == [(0.0, "engineer"), (15.0, "engineer")]
    watched.accept("engineer")
    watched.wait(300)
    _page_engineers(watched)
    assert len(watched.paged()) == 2
    (card,) = _on_board(watched)
    assert (card.kind, card.priority, card.household_id) == ("technical", 2, "synthetic")
    first = watched.incident
    watched.close()
    _page_engineers(watched)
    assert watched.incident != first
    assert len(watched.paged()) == 3


def test_a_technical_incident_that_stood_open_is_paged_for(watched: Story) -> None:
    watched.happens(watched.event("device.offline", "synthetic-1", household_id="synthetic"))
    assert watched.paged() == []
    before = watched.incident
    _page_engineers(watched)
    assert watched.incident == before
    assert watched.paged() == [(0.0, "engineer")]
    assert watched.card().priority == 2


def test_a_stale_test_does_not_count_for_the_next_press(watched: Story) -> None:
    def press() -> None:
        event = watched.event("sos.test", "synthetic-1", household_id="synthetic")
        with watched.database.transaction() as conn:
            incidents.on_event(conn, event, now=watched.clock.now(), settings=SETTINGS)

    press()
    watched.dispatcher.deliver_due()
    watched.skip(seconds=60)
    now = watched.clock.now()
    with watched.database.transaction() as conn:
        stale = synthetic.open_test(conn)
        assert stale is not None
        assert synthetic.open_test(conn, since=now) is None
        assert synthetic.finish_test(conn, stale, now=now, since=now) is None
        synthetic.close_stale_test(conn, now=now)
        synthetic.close_stale_test(conn, now=now)
        assert synthetic.open_test(conn) is None
    press()
    watched.dispatcher.deliver_due()
    with watched.database.transaction() as conn:
        fresh = synthetic.open_test(conn, since=now)
        assert fresh is not None
        assert fresh != stale
        assert synthetic.finish_test(conn, fresh, now=now, since=now) == now


def test_checks_are_kept_for_a_week(watched: Story) -> None:
    began = watched.clock.now()
    with watched.database.transaction() as conn:
        for _ in range(2):
            synthetic.record_check(
                conn, started_at=watched.clock.now(), acked_ms=1, paged_ms=2, board_ms=3, ok=True
            )
            watched.skip(days=4)
        synthetic.prune(conn, now=watched.clock.now())
        left = conn.execute("SELECT started_at FROM synthetic_checks").fetchall()
    assert [row["started_at"] for row in left] == [began + timedelta(days=4)]


def test_checks_are_kept(watched: Story) -> None:
    with watched.database.transaction() as conn:
        assert synthetic.last_check(conn) is None
        for ok in (True, False):
            synthetic.record_check(
                conn,
                started_at=watched.clock.now(),
                acked_ms=12,
                paged_ms=40 if ok else None,
                board_ms=50,
                ok=ok,
                detail="" if ok else "no page within 5 s",
            )
        last = synthetic.last_check(conn)
    assert last == {
        "started_at": watched.clock.now(),
        "acked_ms": 12,
        "paged_ms": None,
        "board_ms": 50,
        "ok": False,
        "detail": "no page within 5 s",
    }


def _on_board(story: Story) -> list[board.IncidentCard]:
    with story.database.transaction() as conn:
        return board.queue(conn, story.clock.now())
