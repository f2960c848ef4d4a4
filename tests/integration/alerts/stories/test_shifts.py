"""Shifts that begin and end in the middle of an incident, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from core.database import Database
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def story_at(database: Database, at: datetime, timezone: str = "Asia/Seoul") -> Story:
    settings = SETTINGS.model_copy(update={"timezone": timezone})
    return Story(database, ManualClock(at), settings)


@pytest.fixture
def midnight(database: Database) -> Story:
    """Ten seconds to midnight in Seoul; one guard until then, one from then on."""
    story = story_at(database, datetime(2026, 11, 22, 14, 59, 50, tzinfo=UTC))
    story.responder("evening", km=1, kind="guard", shift=(time(16), time(0)))
    story.responder("night", km=2, kind="guard", shift=(time(0), time(8)))
    return story


def test_the_crew_goes_off_shift_while_it_is_being_paged(story: Story) -> None:
    story.clock.advance(-10)  # ten seconds to noon
    story.responder("morning", km=1, shift=(time(6), time(12)))
    story.responder("all-day", km=3)
    story.press()
    story.expect("morning")
    story.fast_forward(minutes=5)
    asked = [who for _at_s, who in story.paged()][1:]
    assert set(asked) == {"all-day"}  # round after round, and the morning crew is not woken again


def test_who_was_paged_on_shift_may_still_accept_after_it(story: Story) -> None:
    story.clock.advance(-10)
    story.responder("morning", km=1, shift=(time(6), time(12)))
    story.responder("all-day", km=3)
    story.press()
    story.wait(20)
    assert story.accept("morning").accepted  # somebody who comes beats somebody on shift
    story.fast_forward(minutes=10)
    assert story.states() == {"morning": "accepted", "all-day": "stood_down"}


def test_the_shift_changes_at_midnight_in_the_middle_of_an_incident(midnight: Story) -> None:
    midnight.press()
    midnight.expect("evening")
    midnight.wait(15)
    midnight.expect("night")  # five past midnight, in seconds
    midnight.fast_forward(minutes=3)
    assert {who for _at_s, who in midnight.paged()[1:]} == {"night"}
    assert midnight.log_replays()


def test_nobody_is_on_shift_until_midnight(database: Database) -> None:
    story = story_at(database, datetime(2026, 11, 22, 14, 59, 20, tzinfo=UTC))
    story.responder("night", kind="guard", shift=(time(0), time(8)))
    story.press()
    story.expect()
    assert story.card().nobody_on_shift
    story.wait(45)
    story.expect("night")
    assert not story.card().nobody_on_shift


def test_the_clocks_go_forward_and_the_patrol_ends_in_the_hour_that_is_not(
    database: Database,
) -> None:
    # 29 March 2026, Berlin: after 01:59:59 comes 03:00:00; there is no 02:30, the end of the shift
    story = story_at(database, datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC), "Europe/Berlin")
    story.responder("patrol", km=0.2, kind="guard", shift=(time(21), time(2, 30)))
    story.responder("crew", km=3)
    story.press()
    story.expect("patrol")
    story.wait(15)
    story.expect("crew")
    story.fast_forward(minutes=3)
    assert {who for _at_s, who in story.paged()[1:]} == {"crew"}
    # the patrol is waited for until its shift ends; fifteen seconds were fifteen seconds
    assert [at_s for at_s, _ in story.paged()][:3] == [0.0, 10.0, 25.0]


def test_the_clocks_go_back_and_no_window_is_an_hour_longer(database: Database) -> None:
    # 25 October 2026, Berlin: after 02:59:59 comes 02:00:00 again
    story = story_at(database, datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC), "Europe/Berlin")
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.press()
    story.wait(30)
    assert story.paged() == [(0.0, "first"), (15.0, "second"), (30.0, "first")]
    story.accept("first")
    story.fast_forward(minutes=25)
    assert story.card().overdue  # the clock of the arrival counts seconds as well
