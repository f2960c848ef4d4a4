"""Rosters from CSV and TOML: the same shifts, and errors that name the line."""

from __future__ import annotations

import contextlib
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.roster_file import days_of, parse
from alerts.shifts import EVERY_DAY, WeeklyShift
from core.errors import PermanentError

CSV = """responder,days,start,end,first_day,last_day
guard-1,mon-fri,21:00,02:30,,
guard-1,sun,09:00,18:00,2026-11-01,2026-11-30
guard-2,daily,21:00,02:30,,
"""
TOML = """
[[shift]]
responder = "guard-1"
days = "mon-fri"
start = 21:00:00
end = "02:30"

[[shift]]
responder = "guard-1"
days = "sun"
start = "09:00"
end = "18:00"
first_day = 2026-11-01
last_day = "2026-11-30"

[[shift]]
responder = "guard-2"
days = "daily"
start = "21:00"
end = "02:30"
"""
NIGHT = (time(21), time(2, 30))


@pytest.mark.parametrize(("text", "name"), [(CSV, "week.csv"), (TOML, "week.toml")])
def test_both_forms_say_the_same(text: str, name: str) -> None:
    sunday = WeeklyShift(frozenset({7}), time(9), time(18), date(2026, 11, 1), date(2026, 11, 30))
    assert parse(text, name) == {
        "guard-1": [WeeklyShift(frozenset({1, 2, 3, 4, 5}), *NIGHT), sunday],
        "guard-2": [WeeklyShift(EVERY_DAY, *NIGHT)],
    }


@pytest.mark.parametrize(
    ("text", "days"),
    [("fri-mon", {5, 6, 7, 1}), ("Sat, Sun", {6, 7}), ("wed", {3}), ("sun-sat", set(range(1, 8)))],
)
def test_days(text: str, days: set[int]) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("w.csv", "responder,days,start,end\ng,mon,9:00,18:00\n", "w.csv:2: '9:00'"),
        ("w.csv", "responder,days,start,end\ng,mon,09:00\n", "w.csv:2: as many fields"),
        ("w.csv", "responder,days,start,end\n,mon,09:00,18:00\n", "w.csv:2: responder is empty"),
        ("w.csv", "responder,days,start\ng,mon,09:00\n", "w.csv:2: end is missing"),
        ("w.csv", "responder,days,start,end,x\ng,mon,09:00,10:00,1\n", "w.csv:2: x is not known"),
        ("w.csv", "", "w.csv: there is no shift"),
        (
            "w.toml",
            "[[shift]]\nresponder = 'g'\ndays='moon'\nstart='09:00'\nend='10:00'",
            "w.toml:1",
        ),
        ("w.toml", "[shift]\nresponder = 'g'", "w.toml: only [[shift]]"),
        ("w.toml", "[[shift]", "w.toml: "),
        ("w.xls", "", "a .csv or a .toml"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(name: str, text: str, said: str) -> None:
    with pytest.raises(PermanentError) as caught:
        parse(text, name)
    assert said in str(caught.value)


@given(st.text(max_size=200), st.sampled_from(["w.csv", "w.toml"]))
def test_any_text_gives_a_roster_or_an_error(text: str, name: str) -> None:
    with contextlib.suppress(PermanentError):
        assert parse(text, name)
