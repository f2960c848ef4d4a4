"""Who is asked beside, when nobody accepts: steps of the rules, by priority and district."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


@pytest.fixture
def city(story: Story) -> Story:
    """Five guards of the home's district and two of another's, and those who answer for them."""
    story.district("home-1", "Jongno")
    for n in range(1, 6):
        story.responder(f"guard-{n}", km=n, kind="guard", district="Jongno")
    story.responder("other-1", km=0.7, kind="guard", district="Mapo")
    story.responder("other-2", km=9, kind="guard", district="Mapo")
    story.responder("supervisor", kind="supervisor")
    story.responder("officer", kind="officer", district="Jongno")
    story.responder("officer-mapo", kind="officer", district="Mapo")
    story.responder("line", kind="counsellor")
    return story


def by_second(story: Story) -> dict[float, set[str]]:
    found: dict[float, set[str]] = {}
    for at_s, name in story.paged():
        found.setdefault(at_s, set()).add(name)
    return found


def test_the_steps_of_a_call_for_help(city: Story) -> None:
    city.happens("sos.pressed")
    city.wait(61)
    asked = by_second(city)
    assert asked[0.0] == {"other-1"}  # the nearest, whatever the district
    assert asked[15.0] == {"guard-1"}
    assert asked[30.0] == {"guard-2", "guard-3", "supervisor"}
    assert asked[60.0] >= {"officer", "guard-5"}
    everybody = set().union(*asked.values())
    assert everybody == {
        "other-1", "guard-1", "guard-2", "guard-3", "guard-4", "guard-5", "supervisor", "officer",
    }  # fmt: skip
    assert city.log_replays()


def test_after_the_last_step_it_goes_on(city: Story) -> None:
    city.happens("sos.pressed")
    city.wait(600)
    asked = city.paged()
    times = [at_s for at_s, _ in asked]
    assert max(later - at_s for at_s, later in pairwise(times)) <= 60
    assert max(times) > 540


def test_an_acceptance_ends_the_steps_and_stands_the_others_down(city: Story) -> None:
    city.happens("sos.pressed")
    city.wait(31)
    city.accept("supervisor")
    city.wait(120)
    assert max(at_s for at_s, _ in city.paged()) == 30.0
    assert set(city.stood_down()) == {"other-1", "guard-1", "guard-2", "guard-3"}


def test_acknowledging_does_not_stop_the_steps_of_a_life(city: Story) -> None:
    city.happens("sos.pressed")
    city.acknowledge()
    city.wait(31)
    assert "supervisor" in by_second(city)[30.0]


def test_a_loiterer_has_no_steps(city: Story) -> None:
    city.loiterer()
    city.wait(90)
    assert not {"supervisor", "officer"} & {name for _, name in city.paged()}


def test_an_intrusion_that_becomes_sure_begins_the_steps(city: Story) -> None:
    city.loiterer()
    city.wait(20)
    city.happens("door.forced")
    city.wait(31)
    times = {name: at_s for at_s, name in city.paged()}
    assert times["supervisor"] == 50.0


def test_a_withdrawal_goes_on_where_the_steps_are(city: Story) -> None:
    city.happens("sos.pressed")
    city.accept("other-1")
    city.wait(20)
    city.decline("other-1")
    city.wait(11)
    times = {name: at_s for at_s, name in city.paged()}
    assert times["guard-1"] == 20.0
    assert times["supervisor"] == 30.0


def test_all_processes_down_for_an_hour_ask_everybody_at_once(city: Story) -> None:
    city.happens("sos.pressed")
    city.skip(hours=1)
    city.wait(1)
    assert by_second(city)[3601.0] >= {"guard-1", "guard-2", "guard-3", "supervisor", "officer"}


def test_family_is_asked_for_their_own_home_alone(story: Story) -> None:
    story.home("home-2")
    story.responder("daughter", km=0.1, kind="guardian", households=["home-2"])
    story.responder("son", km=0.2, kind="guardian", households=["home-1"])
    story.responder("crew", km=5)
    story.happens("sos.pressed")
    story.wait(200)
    assert {name for _, name in story.paged()} == {"son", "crew"}


def test_another_press_after_the_arrival_begins_the_steps_again(city: Story) -> None:
    city.happens("sos.pressed")
    city.accept("other-1")
    city.arrive("other-1")
    city.wait(120)
    city.happens("sos.pressed")
    city.wait(31)
    times = {name: at_s for at_s, name in city.paged()}
    assert times["supervisor"] == 150.0
