"""Two processes at once: each thing happens once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from alerts import incidents, pages
from alerts.escalation import fire_due
from alerts.paging.delivery import claim
from core.database import Connection, connect
from core.errors import Conflict
from core.model import Event
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def _race(story: Story, events: list[Event]) -> list[int | None]:
    """Take each event in a transaction of its own, all begun before any commits."""
    begun = threading.Barrier(len(events))

    def take(event: Event) -> int | None:
        with connect(story.database.dsn) as conn:
            conn.execute("SELECT 1")
            begun.wait()
            return incidents.on_event(conn, event, now=story.clock.now(), settings=SETTINGS)

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(take, events))


def test_two_presses_in_two_processes_open_one_incident(story: Story) -> None:
    story.responder("first")
    taken = _race(story, [story.event("sos.pressed") for _ in range(6)])
    assert len(set(taken)) == 1
    story.incident = taken[0] or 0
    assert (story.rows()["incidents"], story.rows()["pages"]) == (1, 1)
    assert sorted(story.moves()) == sorted(["open", "dispatch", "page", *["join"] * 5])
    assert story.log_replays()


def test_one_press_delivered_to_two_processes_is_taken_once(story: Story) -> None:
    story.responder("first")
    press = story.event("sos.pressed")
    taken = _race(story, [press] * 4)
    assert len(set(taken)) == 1
    assert story.rows()["incident_events"] == 1
    assert story.rows()["incident_log"] == 3


def test_the_open_waits_for_a_close_that_is_not_committed(story: Story) -> None:
    first = story.happens("sos.pressed") or 0
    again = story.event("sos.pressed")
    with ThreadPoolExecutor(1) as pool, connect(story.database.dsn) as closing:
        incidents.close(closing, first, actor="operator-1", now=story.clock.now(), outcome="closed")
        press = pool.submit(story.happens, again)
        wait_for_lock(story)
        closing.commit()
        second = press.result(timeout=10)
    assert second != first


def test_of_two_acceptances_one_wins(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.wait(15)
    both = [story.page_of("first"), story.page_of("second")]
    begun = threading.Barrier(2)

    def accept(page_id: int) -> str:
        with connect(story.database.dsn) as conn:
            begun.wait()
            try:
                pages.answer(conn, page_id, accept=True, now=story.clock.now(), settings=SETTINGS)
            except Conflict as conflict:
                return str(conflict)
        return "won"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(accept, both))
    assert answers[0] in {"First accepted first", "Second accepted first"}
    assert answers[1] == "won"
    assert sorted(story.states().values()) == ["accepted", "stood_down"]
    assert story.log_replays()


def test_a_timer_fires_in_one_of_two_processes(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.skip(seconds=15)
    now = story.clock.now()
    with connect(story.database.dsn) as one, connect(story.database.dsn) as other:
        assert fire_due(one, now=now, settings=SETTINGS) == 2  # the page's, and the step's
        assert fire_due(other, now=now, settings=SETTINGS) == 0  # skipped, not waited for
        one.commit()
        assert fire_due(other, now=now, settings=SETTINGS) == 0
    assert story.moves().count("unanswered") == 1


def test_a_delivery_is_claimed_by_one_of_two_processes(story: Story) -> None:
    story.responder("first")
    with story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )

    def claimed(conn: Connection) -> int:
        return len(claim(conn, now=story.clock.now(), settings=SETTINGS, limit=8))

    with connect(story.database.dsn) as one, connect(story.database.dsn) as other:
        assert (claimed(one), claimed(other)) == (1, 0)
        one.commit()
        assert claimed(other) == 0


def test_a_transaction_that_fails_leaves_nothing(story: Story) -> None:
    story.responder("first")
    with pytest.raises(psycopg.errors.DivisionByZero), story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
        conn.execute("SELECT 1/0")
    assert set(story.rows().values()) == {0}


def test_one_poisoned_incident_does_not_silence_the_others(story: Story) -> None:
    story.responder("first")
    story.happens("duress.pressed")
    with story.database.transaction() as conn:
        conn.execute("UPDATE timers SET kind = 'unheard-of' WHERE kind <> 'step'")
    story.happens("sos.pressed")
    story.wait(16)
    assert story.moves().count("unanswered") == 1
    (timer,) = story.table("SELECT due_at, done_at FROM timers WHERE kind = 'unheard-of'")
    assert timer["done_at"] is None
    assert timer["due_at"] > story.clock.now()


def wait_for_lock(story: Story) -> None:
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    pause = threading.Event()
    for _ in range(200):
        if story.table(query)[0]["n"]:
            return
        pause.wait(0.02)
    pytest.fail("nobody waits for the lock")
