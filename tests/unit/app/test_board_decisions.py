"""What the board decides without I/O: order and folds of the queue, load, grids, charts, growth."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.board import IncidentCard
from alerts.figures import StepFigure
from alerts.policy import Kind
from alerts.roster_week import Person, Week
from app.accounts.principal import Principal, Role
from app.api.rosters import seen_by
from app.bench.board import growth
from app.console.figures_page import bars
from app.console.homes_page import standing
from app.console.queue_order import FLOOD_FROM, Fold, load, rows
from app.console.roster_grid import grid
from app.console.scripts import SCRIPTS, script_of
from app.console.words import CATALOGUE, Words

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def card(number: int, priority: int, by: str | None = None, district: str = "") -> IncidentCard:
    values = dict.fromkeys((one.name for one in fields(IncidentCard)), None) | {
        "incident_id": number,
        "priority": priority,
        "kind": "technical" if priority == 4 else "sos",
        "district": district,
        "acknowledged_by": by,
        "acknowledged_at": NOW if by else None,
    }
    return cast("IncidentCard", SimpleNamespace(**values))


cards = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4]), st.sampled_from([None, "desk"]), st.sampled_from("ab")
    ),
    max_size=60,
).map(
    lambda found: [
        card(number, *one) for number, one in enumerate(sorted(found, key=lambda it: it[0]))
    ]
)


@given(cards, st.sets(st.integers(0, 60)))
def test_nothing_leaves_the_queue_and_no_person_is_folded(
    queue: list[IncidentCard], parked: set[int]
) -> None:
    found = rows(queue, parked)
    shown = [one for one in found if not isinstance(one, Fold)]
    folded = [one for fold in found if isinstance(fold, Fold) for one in fold.cards]
    numbers = sorted(one.incident_id for one in [*shown, *folded])
    assert numbers == [one.incident_id for one in queue]
    assert all(one.priority == 4 and one.acknowledged_at is None for one in folded)
    standing_ones = [one.priority for one in shown if one.incident_id not in parked]
    assert standing_ones == sorted(standing_ones)
    aside = [one.incident_id in parked for one in found if not isinstance(one, Fold)]
    assert aside == sorted(aside)  # parked ones stand at the end


def test_a_flood_is_more_than_one_operator_takes() -> None:
    few = [card(number, 4) for number in range(FLOOD_FROM)]
    assert rows(few, ()) == few
    many = [*few, card(99, 4)]
    (fold,) = rows(many, ())
    assert isinstance(fold, Fold)
    assert len(fold.cards) == FLOOD_FROM + 1
    assert rows(many, (), {fold.key}) == [fold, *many]


def test_load_counts_what_is_in_hand() -> None:
    queue = [card(1, 1, "a"), card(2, 1, "b"), card(3, 2, "b"), card(4, 2)]
    assert load(queue) == [("b", 2), ("a", 1)]


def test_every_kind_has_a_script_in_words() -> None:
    for kind in Kind:
        for step in SCRIPTS[kind]:
            assert all(f"step.{step}" in words for words in CATALOGUE.values()), step
    assert script_of("new to us")


def test_every_korean_word_is_korean() -> None:
    same = {key for key, text in CATALOGUE["ko"].items() if text == CATALOGUE["en"][key]}
    words = {key for key in same if any(sign.islower() for sign in CATALOGUE["en"][key])}
    assert {key for key in words if "{" not in CATALOGUE["en"][key]} == set()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "well"),
        ({"last_heard_at": None}, "never"),
        ({"silent": True}, "silent"),
        ({"online": False}, "silent"),
        ({"trouble": "camera"}, "trouble"),
        ({"last_heard_at": NOW - timedelta(minutes=4)}, "late"),
        ({"battery_percent": 20}, "battery"),
    ],
)
def test_how_a_device_stands(changed: dict[str, object], expected: str) -> None:
    row: dict[str, object] = {
        "last_heard_at": NOW,
        "silent": False,
        "online": True,
        "trouble": None,
        "battery_percent": 90,
    }
    assert standing(row | changed, NOW) == expected


def test_a_night_shift_stands_in_two_days() -> None:
    monday = date(2026, 11, 23)
    begin = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # 21:00 in Seoul
    person = Person(
        "g", "Guard", "guard", "Mapo-gu", False, True, [(begin, begin + timedelta(hours=5.5))], []
    )
    week = Week(monday, "Asia/Seoul", [person], [])
    found = grid(seen_by(week, Principal("s", Role.SUPERVISOR)))
    first, second = found[0].days[:2]
    assert [(one.left, one.width, one.text) for one in first] == [(87.5, 12.5, "21:00-00:00")]
    assert [(one.left, one.text) for one in second] == [(0.0, "00:00-02:30")]
    elsewhere = Principal("o", Role.OFFICER, district="Gwanak-gu")
    assert grid(seen_by(week, elsewhere)) == []


def test_bars_are_as_long_as_what_they_show() -> None:
    steps = [
        StepFigure("sos", None, None, "page", 3, 1.0, 1.0, 4.0, 4.0),
        StepFigure("sos", None, None, "close", 3, 16.0, 16.0, 64.0, 64.0),
    ]
    short, long = bars(steps, Words())
    assert short.p50 < short.p99 < long.p50
    assert long.p99 == 500.0
    assert bars([], Words()) == []


def test_growth_compares_after_the_warm_up() -> None:
    assert growth([1.0] * 11) is None
    assert growth([50.0, 50.0] + [10.0] * 10) == pytest.approx(0.0)
    assert growth([1.0, 1.0, 10.0, 10.0] + [20.0] * 8) == pytest.approx(1.0)
