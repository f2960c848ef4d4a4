"""Where responders are, how sure that is, and who goes."""

from __future__ import annotations

import pytest

from alerts.shifts import ChangeKind
from tests.integration.alerts.story import DEGREES_PER_KM, SEOUL, Story

pytestmark = pytest.mark.integration


def seen(story: Story, responder_id: str, km: float) -> None:
    """Let a pager say where its guard is now."""
    with story.database.transaction() as conn:
        conn.execute(
            "INSERT INTO responder_positions (responder_id, lat, lon, accuracy_m, at)"
            " VALUES (%s, %s, %s, 20, %s)",
            (responder_id, SEOUL[0] + km * DEGREES_PER_KM, SEOUL[1], story.clock.now()),
        )


@pytest.fixture
def two(story: Story) -> Story:
    """Two guards; the station of one is near, the other was just seen at the next corner."""
    story.responder("near", km=0.7, kind="guard")
    story.responder("seen", km=4, kind="guard")
    seen(story, "seen", km=0.2)
    return story


def test_who_was_seen_at_the_next_corner_goes_first(two: Story) -> None:
    two.press()
    two.expect("seen")


def test_a_position_that_is_an_hour_old_says_little(two: Story) -> None:
    two.skip(hours=1)
    two.press()
    two.expect("near")  # who knows where the other is by now


def test_who_is_on_another_job_is_asked_after_who_is_free(two: Story) -> None:
    two.home("home-2")
    two.press()
    two.accept("seen")
    two.happens(two.event("sos.pressed", "button-2", household_id="home-2"))
    assert [who for _at_s, who in two.paged()] == ["seen", "near"]


def test_who_falls_ill_after_the_page_is_not_asked_in_the_next_round(two: Story) -> None:
    two.press()
    two.expect("seen")
    two.absent("seen", ChangeKind.SICK)
    two.fast_forward(minutes=3)
    assert {who for _at_s, who in two.paged()[1:]} == {"near"}
