"""The parts of the screens that decide something, without I/O."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence import Box
from alerts.lifecycle import Move, PageState, State
from alerts.policy import Kind
from app.console.attempts import PER_ADDRESS, PER_PAIR, WINDOW_S, Attempts
from app.console.presenting import box_percent, distance
from app.console.words import CATALOGUE, Words

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


def test_guessing_is_slowed_for_the_guesser_alone(clock) -> None:
    attempts = Attempts(clock)
    for _ in range(PER_PAIR):
        assert attempts.wait_s("1.2.3.4", "anna") == 0
        attempts.failed("1.2.3.4", "anna")
    assert attempts.wait_s("1.2.3.4", "anna") == WINDOW_S
    assert attempts.wait_s("5.6.7.8", "anna") == 0  # the real anna, elsewhere
    assert attempts.wait_s("1.2.3.4", "ben") == 0
    clock.advance(WINDOW_S)
    assert attempts.wait_s("1.2.3.4", "anna") == 0


def test_an_address_that_tries_many_names(clock) -> None:
    attempts = Attempts(clock)
    for number in range(PER_ADDRESS):
        attempts.failed("1.2.3.4", f"user-{number}")
    assert attempts.wait_s("1.2.3.4", "another") == WINDOW_S


def test_success_forgets(clock) -> None:
    attempts = Attempts(clock)
    for _ in range(PER_PAIR):
        attempts.failed("1.2.3.4", "anna")
    attempts.succeeded("1.2.3.4", "anna")
    assert attempts.wait_s("1.2.3.4", "anna") == 0
