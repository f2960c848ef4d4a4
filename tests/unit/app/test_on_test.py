"""A home on test on the screens: what is said when, and that nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from alerts.board import LogLine
from alerts.incidents import OUTCOMES
from app.accounts.permissions import GRANTS, Right
from app.console.homes_page import listing
from app.console.judging import offered
from app.console.presenting import Templates, note_of
from app.console.words import Words
from households.on_test import OnTest

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # noon in Seoul
TEST = OnTest("h1", NOON, NOON + timedelta(hours=1), "tech-kim", "new <battery>")


def facts(language: str, kind: str, opened_at: datetime) -> str:
    shown = {
        "kind": kind,
        "priority": 1,
        "state": "raised",
        "opened_at": opened_at,
        "acknowledged_at": None,
        "incident_id": 1,
        "level": 1,
        "level_reasons": (),
        "level_set_why": "",
        "nobody_on_shift": False,
        "late_expected": False,
        "overdue": False,
        "resident_cancelled": False,
    }
    templates = Templates(Words(language), "Asia/Seoul")
    card = SimpleNamespace(**shown)
    return templates.render("facts.html", card=card, parked=None, on_test=TEST)


@pytest.mark.parametrize(
    ("kind", "ago_minutes", "says", "says_not"),
    [
        ("sos", -5, "Ask the technician first", "BEFORE"),
        ("sos", 0, "Ask the technician first", "BEFORE"),
        ("sos", 5, "this alarm came BEFORE", "Ask the technician"),
        ("duress", -5, "do not call", "Ask the technician"),
        ("duress", 5, "this alarm came BEFORE", "Ask the technician"),
    ],
)
def test_what_the_operator_is_told(kind: str, ago_minutes: int, says: str, says_not: str) -> None:
    text = facts("en", kind, NOON - timedelta(minutes=ago_minutes))
    assert "On test until 13:00 · put on by tech-kim: new &lt;battery&gt;" in text
    assert '<svg class="wrench"' in text
    assert says in text
    assert says_not not in text


def test_korean() -> None:
    text = facts("ko", "sos", NOON)
    assert "13:00까지 시험 중 · 등록 tech-kim" in text
    assert "먼저 기술자에게 확인" in text


def test_a_test_is_offered_first_and_nothing_is_left_out() -> None:
    assert offered(on_test=False) == OUTCOMES
    assert offered(on_test=True)[0] == "test"
    assert sorted(offered(on_test=True)) == sorted(OUTCOMES)


def test_the_timeline_says_it() -> None:
    told = {"type": "sos.pressed", "on_test_by": "tech-kim", "on_test_why": "battery"}
    line = LogLine(1, NOON, "device:b", "open", "raised", told)
    assert note_of(line, Words()) == "the home was on test · put on by tech-kim: battery"


def test_who_looks_after_devices_and_who_leads_and_nobody_at_the_desk() -> None:
    assert {role.value for role in GRANTS[Right.ON_TEST]} == {
        "technician",
        "supervisor",
        "administrator",
    }


def test_each_home_is_put_on_test_at_one_place() -> None:
    well = {"last_heard_at": NOON, "silent": False, "online": True, "trouble": None}
    rows = [
        {**well, "household_id": "a", "battery_percent": 90},
        {**well, "household_id": "b", "battery_percent": 90},
        {**well, "household_id": "a", "battery_percent": 5},
    ]
    found = [(row["household_id"], row["standing"], row["first"]) for row in listing(rows, NOON)]
    assert found == [("a", "battery", True), ("a", "well", False), ("b", "well", True)]
