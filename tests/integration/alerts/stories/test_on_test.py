"""A home on test: the mark mutes nothing, delays nothing, and stands in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from alerts import audit
from core.database import Database
from core.model import Page
from households.on_test import put_on_test, take_off_test
from tests.conftest import ManualClock, PostgresServer
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration

MARK = {
    "on_test_by": "tech",
    "on_test_until": "2026-11-22T04:00:00+00:00",
    "on_test_why": "new battery",
}


@pytest.fixture
def another(postgres_server: PostgresServer) -> Iterator[Story]:
    """The same home once more, on a database and with a clock of its own."""
    dsn = postgres_server.clone()
    database = Database(dsn, application="another", max_size=4)
    database.open()
    yield Story(database, ManualClock())
    database.close()
    postgres_server.drop(dsn)


def put_on(story: Story, minutes: int = 60) -> None:
    with story.database.transaction() as conn:
        put_on_test(
            conn,
            "home-1",
            minutes=minutes,
            reason="new battery",
            by="tech",
            now=story.clock.now(),
        )


def marks(story: Story) -> list[str | None]:
    """Return who is named as working there, line by line of the alarms in the log."""
    rows = story.table("SELECT detail FROM incident_log WHERE detail ? 'seq' ORDER BY n")
    return [row["detail"].get("on_test_by") for row in rows]


def sent(page: Page) -> dict[str, Any]:
    """Return what went out; the secret in a link is another each time."""
    return {name: value for name, value in asdict(page).items() if not name.endswith("_url")}


def nobody_answers(story: Story) -> None:
    story.press()
    story.fast_forward(minutes=5)


def accepted_and_late(story: Story) -> None:
    story.press()
    story.wait(3)
    story.decline("first")
    story.accept("second")
    story.fast_forward(minutes=40)


def duress(story: Story) -> None:
    story.press()
    story.acknowledge()
    story.fast_forward(minutes=2)
    story.happens("duress.pressed")
    story.fast_forward(minutes=3)


def loiterer(story: Story) -> None:
    story.loiterer()
    story.fast_forward(minutes=5)
    story.happens("door.forced")
    story.fast_forward(minutes=2)


def device_trouble(story: Story) -> None:
    story.happens("tamper.opened")
    story.happens("battery.low")
    story.happens("door.opened")
    story.fast_forward(minutes=10)


@pytest.mark.parametrize(
    "play", [nobody_answers, accepted_and_late, duress, loiterer, device_trouble]
)
def test_it_is_paged_exactly_as_without(
    story: Story, another: Story, play: Callable[[Story], None]
) -> None:
    for one in (story, another):
        one.responder("first", km=1)
        one.responder("second", km=2)
        one.responder("boss", km=3, kind="engineer")
    put_on(story)
    for one in (story, another):
        play(one)
    assert story.pagers.got == another.pagers.got
    assert [*map(sent, story.pagers.pages)] == [*map(sent, another.pagers.pages)]
    lines = "SELECT incident_id, n, at, actor, move, state, detail{} AS detail FROM incident_log"
    order = " ORDER BY incident_id, n"
    unmarked = " - 'on_test_by' - 'on_test_until' - 'on_test_why'"
    assert story.table(lines.format(unmarked) + order) == another.table(lines.format("") + order)
    kept = "SELECT kind, priority, state, level, level_reasons, opened_at FROM incidents"
    assert story.table(kept + " ORDER BY incident_id") == another.table(
        kept + " ORDER BY incident_id"
    )
    assert story.rows() == another.rows()
    assert set(marks(story)) != {None}
    assert set(marks(another)) == {None}


def test_the_log_keeps_it_after_its_end(story: Story) -> None:
    story.responder("first")
    put_on(story)
    story.wait(600)
    story.press()
    (line, *_) = story.card().timeline
    assert {name: line.detail.get(name) for name in MARK} == MARK
    with story.database.transaction() as conn:
        assert take_off_test(conn, "home-1", by="tech", now=story.clock.now())
    story.wait(60)
    story.press()
    story.close("test")
    story.press()
    assert marks(story) == ["tech", None, None]  # again, and anew: nobody works there any more
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_it_counts_when_it_happened_and_not_when_it_came(story: Story) -> None:
    """A button that had no network brings its press later: the technician's stays theirs, and that
    of a resident before the technician came is nobody's test.
    """
    before = story.event("sos.pressed")
    story.wait(60)
    put_on(story, minutes=10)
    during = story.event("sos.pressed")
    story.happens(before)
    story.wait(1200)
    story.happens(during)
    assert marks(story) == [None, "tech"]


def test_a_test_that_is_over_marks_nothing(story: Story) -> None:
    put_on(story, minutes=10)
    story.wait(600)
    story.press()
    assert marks(story) == [None]
