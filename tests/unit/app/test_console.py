"""The parts of the screens that decide something, without I/O."""

from __future__ import annotations

import logging
import re
import string
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.board import IncidentCard, LogLine
from alerts.emergency_script import OUTCOMES, SERVICES, script
from alerts.evidence import Box
from alerts.lifecycle import Move, PageState, State
from alerts.policy import Kind
from app.api.problems import names_no_address
from app.console.attempts import ADDRESS, PAIR, USER, WINDOW_S, Attempts
from app.console.presenting import Templates, box_percent, distance, note_of, took
from app.console.words import CATALOGUE, Words
from tests.conftest import ManualClock

CONSOLE = Path(__file__).parents[3] / "app" / "console"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_everything() -> None:
    en, ko = CATALOGUE["en"], CATALOGUE["ko"]
    assert en.keys() == ko.keys()
    assert [key for key in en if fields(en[key]) != fields(ko[key])] == []


def test_every_name_of_the_domain_has_words() -> None:
    wanted = {f"kind.{one}" for one in Kind} | {f"state.{one}" for one in State}
    wanted |= {f"page.{one}" for one in PageState} | {f"move.{one}" for one in Move}
    assert wanted - CATALOGUE["en"].keys() == set()


def test_every_step_of_a_call_has_words() -> None:
    steps = {step.name for one in SERVICES for kind in Kind for step in script(one, kind)}
    wanted = {f"call.{one}" for one in (*SERVICES, *steps)}
    wanted |= {f"call.outcome.{one}" for one in OUTCOMES}
    assert wanted - CATALOGUE["en"].keys() == set()


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ({"step": "begun"}, "Fire and ambulance 119 · begun"),
        (
            {"step": "read_back", "done": False},
            "Fire and ambulance 119 · Let them read the address back: taken back",
        ),
        (
            {"outcome": "refused", "spoken_to": "Lee", "reference": "", "note": "119 · Lee"},
            "Fire and ambulance 119 · Refused · Lee",
        ),
    ],
)
def test_a_call_in_the_timeline(detail: dict[str, object], text: str) -> None:
    at = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    told = {"call": 1, "service": "fire", **detail}
    assert note_of(LogLine(1, at, "desk", "hand_over", "raised", told), Words()) == text


def test_every_word_the_templates_ask_for_is_there() -> None:
    asked = set()
    for file in CONSOLE.rglob("*.html"):
        asked |= set(re.findall(r'\bt\("([a-z0-9_.]+)"', file.read_text("utf-8")))
    for file in CONSOLE.glob("*.py"):
        pattern = r'(?:\bt|words|self\._t)\("([a-z0-9_.]+)"'
        asked |= set(re.findall(pattern, file.read_text("utf-8")))
    assert len(asked) > 40
    assert asked - CATALOGUE["en"].keys() == set()


def test_a_name_without_words_is_still_shown() -> None:
    assert Words().of("kind", "gas_leak") == "gas leak"


@pytest.mark.parametrize(
    ("metres", "text"),
    [(4, "0 m"), (444, "440 m"), (994, "990 m"), (996, "1.0 km"), (2345, "2.3 km")],
)
def test_distance(metres: float, text: str) -> None:
    assert distance(metres) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0124, "12 ms"),
        (1.0, "1 s"),
        (59.94, "59.9 s"),
        (180.0, "3 min"),
        (1545.0, "25.8 min"),
        (7200.0, "2.0 h"),
    ],
)
def test_span_of_time(seconds: float, text: str) -> None:
    assert took(seconds) == text


sides = st.floats(-10, 10)


@given(st.builds(Box, sides, sides, sides, sides))
def test_what_is_drawn_of_a_box_lies_in_the_picture(box: Box) -> None:
    drawn = box_percent(box)
    if drawn is not None:
        assert 0 <= drawn["left"] < drawn["left"] + drawn["width"] <= 100.0001
        assert 0 <= drawn["top"] < drawn["top"] + drawn["height"] <= 100.0001


def test_a_box_in_percent() -> None:
    expected = {"left": 50.0, "top": 25.0, "width": 25.0, "height": 50.0}
    assert box_percent(Box(0.5, 0.25, 0.25, 0.5)) == expected
    assert box_percent(None) is None


def test_guessing_is_slowed(clock) -> None:
    attempts = Attempts(clock)
    assert [attempts.enter("1.2.3.4", "anna") for _ in range(PAIR.free)] == [0] * PAIR.free
    assert attempts.enter("1.2.3.4", "anna") == PAIR.pause_s
    assert attempts.enter("5.6.7.8", "anna") == 0  # the real anna, elsewhere
    assert attempts.enter("1.2.3.4", "ben") == 0  # somebody else behind the same proxy
    clock.advance(PAIR.pause_s)
    assert attempts.enter("1.2.3.4", "anna") == 0
    assert attempts.enter("1.2.3.4", "anna") == PAIR.pause_s
    clock.advance(WINDOW_S)
    assert [attempts.enter("1.2.3.4", "anna") for _ in range(PAIR.free)] == [0] * PAIR.free


def test_a_name_guessed_from_everywhere(clock) -> None:
    attempts = Attempts(clock)
    assert not any(attempts.enter(f"10.0.0.{n}", "anna") for n in range(USER.free))
    assert attempts.enter("5.6.7.8", "anna") == USER.pause_s


def test_an_address_that_tries_many_names(clock) -> None:
    attempts = Attempts(clock)
    assert not any(attempts.enter("1.2.3.4", f"user-{n}") for n in range(ADDRESS.free))
    assert attempts.enter("1.2.3.4", "another") == ADDRESS.pause_s
    clock.advance(ADDRESS.pause_s)
    assert attempts.enter("1.2.3.4", "another") == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.floats(0, 40))))
def test_nobody_waits_longer_than_half_a_minute(made: list[tuple[str, str, float]]) -> None:
    clock = ManualClock()
    attempts = Attempts(clock)
    for address, user, after_s in made:
        clock.advance(after_s)
        attempts.enter(address, user)
    wait_s = attempts.enter("a", "x")
    assert 0 <= wait_s <= 30 + 1e-6
    clock.advance(wait_s + 0.001)
    assert wait_s == 0 or attempts.enter("a", "x") == 0


def test_what_was_right_or_never_looked_at_does_not_count(clock) -> None:
    attempts = Attempts(clock)
    for _ in range(ADDRESS.free * 2):
        assert attempts.enter("1.2.3.4", "anna") == 0
        attempts.withdraw("1.2.3.4", "anna")
    for _ in range(3):
        for _ in range(PAIR.free):
            assert attempts.enter("1.2.3.4", "anna") == 0
        attempts.succeeded("1.2.3.4", "anna")


def card(**changed: object) -> IncidentCard:
    now = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    values = {field.name: None for field in fields_of(IncidentCard)} | {
        "incident_id": 1,
        "household_name": "Home",
        "address": "Here",
        "kind": Kind.SOS,
        "priority": 1,
        "state": State.ARRIVED,
        "opened_at": now,
        "overdue": False,
    }
    return cast("IncidentCard", SimpleNamespace(**(values | changed)))


@pytest.mark.parametrize("template", ["card.html", "facts.html"])
def test_nobody_arrived_in_words(template: str) -> None:
    templates = Templates(Words(), "Asia/Seoul")
    words = "Nobody arrived within 25 minutes"
    assert words in templates.render(
        template, card=card(overdue=True), page=None, parked=None, on_test=None
    )
    assert words not in templates.render(
        template, card=card(), page=None, parked=None, on_test=None
    )


@pytest.mark.parametrize("template", ["card.html", "facts.html"])
def test_an_acknowledgement_taken_back_is_none(template: str) -> None:
    """A later press clears the time; whoever acknowledged the first press may still be named."""
    templates = Templates(Words(), "Asia/Seoul")
    pressed_again = card(acknowledged_by="night-desk", acknowledged_at=None)
    text = templates.render(template, card=pressed_again, page=None, parked=None, on_test=None)
    assert "Not acknowledged" in text
    assert "night-desk" not in text


def test_no_page_link_in_the_web_servers_own_log(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("names-no-address")
    log.addFilter(names_no_address)
    log.warning("http://here/page/1.secret/x not found")
    log.warning("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]
