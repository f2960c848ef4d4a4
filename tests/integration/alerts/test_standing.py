"""What everybody is doing now: free, asked, on the way, at a door, on a break, off."""

from __future__ import annotations

from datetime import time

import pytest

from alerts import positions
from alerts.shifts import ChangeKind
from alerts.standing import Standing, Status, standings
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def now(story: Story) -> dict[str, Standing]:
    with story.database.transaction() as conn:
        found = standings(conn, now=story.clock.now(), timezone=SETTINGS.timezone)
    return {one.responder_id: one for one in found}


def test_the_life_of_a_job(story: Story) -> None:
    story.responder("crew", km=1, shift=(time(9), time(18)))
    assert now(story)["crew"].status is Status.FREE
    assert now(story)["crew"].off_at is not None
    story.happens("sos.pressed")
    assert (now(story)["crew"].status, now(story)["crew"].incident_id) == ("asked", story.incident)
    story.accept("crew")
    with story.database.transaction() as conn:
        page_id = story.page_of("crew")
        positions.share(conn, page_id, now=story.clock.now())
        positions.note(conn, page_id, lat=37.5, lon=127, accuracy_m=5, now=story.clock.now())
    seen = now(story)["crew"]
    assert (seen.status, seen.fix and seen.fix.accuracy_m) == (Status.ON_THE_WAY, 5)
    story.arrive("crew")
    assert now(story)["crew"].status is Status.BUSY
    story.close()
    free = now(story)["crew"]
    assert (free.status, free.incident_id, free.fix) == (Status.FREE, None, None)


def test_who_is_away_is_off_and_only_a_break_is_told(story: Story) -> None:
    for name in ("rests", "ill", "sleeps"):
        story.responder(name, shift=(time(21), time(2)) if name == "sleeps" else None)
    story.absent("rests", ChangeKind.BREAK)
    story.absent("ill", ChangeKind.SICK)
    found = {name: str(one.status) for name, one in now(story).items()}
    assert found == {"rests": "break", "ill": "off", "sleeps": "off"}


def test_whoever_accepted_is_on_the_way_after_the_shift_too(story: Story) -> None:
    story.responder("crew", km=1, shift=(time(9), time(12, 1)))
    story.happens("sos.pressed")
    story.accept("crew")
    story.skip(minutes=2)
    assert now(story)["crew"].status is Status.ON_THE_WAY


def test_an_answer_by_link_is_of_the_channel_that_carried_it(story: Story) -> None:
    story.responder("crew")
    story.happens("sos.pressed")
    story.accept("crew")
    rows = story.table("SELECT state, answered_at FROM deliveries WHERE message = 'page'")
    assert rows == [{"state": "answered", "answered_at": story.clock.now()}]
