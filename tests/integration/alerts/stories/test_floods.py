"""Much at once: whatever else there is, a call for help stands first and is paged at once."""

from __future__ import annotations

import pytest

from alerts import board, incidents
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


def test_five_hundred_faults_and_one_press(story: Story) -> None:
    story.responder("crew")
    homes = [f"home-{n}" for n in range(2, 502)]
    with story.database.transaction() as conn:
        conn.execute(
            "INSERT INTO households (household_id, name, lat, lon)"
            " SELECT id, id, 37.5, 127 FROM unnest(%s::text[]) AS id",
            (homes,),
        )
    faults = [story.event("power.lost", f"camera-{home}", household_id=home) for home in homes]
    press = story.event("sos.pressed")
    with story.database.transaction() as conn:
        for event in sorted([*faults, press], key=lambda one: one.household_id):
            incidents.on_event(conn, event, now=story.clock.now(), settings=story.settings)
    story.dispatcher.deliver_due()
    assert story.paged() == [(0.0, "crew")]  # the press; no guard is sent to a flat battery
    with story.database.transaction() as conn:
        counts, first = board.counts(conn), board.queue(conn, story.clock.now())[0]
    assert (counts["open"], counts["p1"], counts["p4"]) == (501, 1, 500)
    assert (first.kind, first.household_id) == ("sos", "home-1")


def test_three_homes_press_at_once_and_each_is_answered_by_another(story: Story) -> None:
    for n in (1, 2, 3):
        story.responder(f"crew-{n}", km=n)
    for home in ("home-2", "home-3"):
        story.home(home)
    called = {}
    for home in ("home-1", "home-2", "home-3"):
        called[home] = story.happens(story.event("sos.pressed", f"b-{home}", household_id=home))
    assert len(set(called.values())) == 3
    assert len(story.paged()) == 3  # nobody waits for another's incident
    story.fast_forward(minutes=1)
    for n, home in enumerate(called, start=1):
        story.incident = called[home] or 0
        story.accept(f"crew-{n}")
        assert story.states()[f"crew-{n}"] == "accepted"
        assert story.log_replays()


def test_a_button_that_sticks_is_one_incident(story: Story) -> None:
    story.responder("crew")
    for _ in range(200):
        story.press()
        story.skip(seconds=0.1)
    assert story.rows()["incidents"] == 1
    story.expect("crew")
    story.accept("crew")
    story.fast_forward(minutes=2)
    story.expect()


def test_a_hundred_garbled_findings_hold_no_press_up(story: Story) -> None:
    story.responder("crew")
    for n in range(100):
        data = b'{"evidence":[{"key":17}],"box":"none"}'
        story.happens(story.event("camera.covered", f"camera-{n}", data=data))
    story.press()
    story.expect("crew")
    assert story.card().kind == "sos"
