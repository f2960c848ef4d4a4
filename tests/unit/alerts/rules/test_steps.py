"""Steps of an escalation: read, refused, chosen by district, and whom they ask."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.crew import for_step
from alerts.policy import KINDS_OF, OF_DISTRICT, Whom
from alerts.ranking import Home, Position, Responder
from alerts.rules.lines import Place
from alerts.rules.loading import DEFAULT, load, parse
from alerts.rules.problems import RulesRefused
from alerts.rules.steps import Step
from alerts.rules.table import Table
from alerts.shifts import ALWAYS, Change, ChangeKind, Duty

TEXT = DEFAULT.read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOME = Home("home-1", Position(37.5, 127.0), "Jongno")
AWAY = Duty((), (Change(ChangeKind.LEAVE, NOW),))


def with_step(lines: str) -> Table:
    return parse(f"{TEXT}\n[[step]]\n{lines}\n", "my.toml")


def refused(lines: str) -> str:
    with pytest.raises(RulesRefused) as caught:
        with_step(lines)
    return str(caught.value)


def test_the_steps_that_ship() -> None:
    steps = load(DEFAULT).escalation.steps(1, "Jongno")
    assert [(step.after_s, step.next, step.also) for step in steps] == [
        (15, 1, ()),
        (30, 2, (Whom.SUPERVISORS,)),
        (60, 0, (Whom.OFFICERS, Whom.ZONE)),
    ]
    assert load(DEFAULT).escalation.steps(2, "") == ()


def test_a_file_without_steps_has_those_that_ship() -> None:
    table = parse(TEXT[: TEXT.index("[[step]]")], "my.toml")
    assert len(table.escalation) == len(load(DEFAULT).escalation) == 3


def test_a_district_has_its_own() -> None:
    table = with_step('priority = 1\nafter_seconds = 20\nnext = 5\ndistrict = "Mapo"')
    assert [step.after_s for step in table.escalation.steps(1, "Mapo")] == [20]
    assert [step.after_s for step in table.escalation.steps(1, "Jongno")] == [15, 30, 60]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("priority = 4\nafter_seconds = 9\nnext = 1", "a whole number from 1 to 3"),
        ("priority = 1\nafter_seconds = 0\nnext = 1", "a whole number from 1 to 3600"),
        ("priority = 1\nafter_seconds = true\nnext = 1", "a whole number"),
        ("after_seconds = 9\nnext = 1", "priority is missing"),
        ("priority = 1\nnext = 1", "after_seconds is missing"),
        ("priority = 1\nafter_seconds = 9", "the step asks nobody"),
        ('priority = 1\nafter_seconds = 9\nalso = "supervisor"', "did you mean 'supervisors'?"),
        ("priority = 1\nafter_seconds = 9\nnxt = 1", "did you mean 'next'?"),
        ("priority = 1\nafter_seconds = 15\nnext = 1", "another step of priority 1 after 15 s"),
        ('priority = 1\nafter_seconds = 9\nnext = 1\ndistrict = ""', "'' is no district"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(lines: str, said: str) -> None:
    message = refused(lines)
    assert said in message
    assert f"my.toml:{len(TEXT.splitlines()) + 2}" in message or "my.toml:" in message


def test_steps_of_another_priority_alone_are_refused() -> None:
    text = TEXT[: TEXT.index("[[step]]")]
    with pytest.raises(RulesRefused, match="no step for priority 1"):
        parse(f"{text}\n[[step]]\npriority = 2\nafter_seconds = 60\nnext = 1\n", "my.toml")


KINDS = sorted({kind for kinds in KINDS_OF.values() for kind in kinds})
responders = st.builds(
    Responder,
    st.text("abcdef", min_size=1, max_size=3),
    st.sampled_from(KINDS),
    st.builds(Position, st.floats(37, 38), st.floats(126, 128)),
    district=st.sampled_from(["", "Jongno", "Mapo"]),
    duty=st.sampled_from([ALWAYS, AWAY]),
    households=st.sampled_from([frozenset[str](), frozenset({"home-1"}), frozenset({"home-2"})]),
)
also = st.lists(
    st.sampled_from([Whom.ZONE, Whom.GUARDIANS, Whom.SUPERVISORS, Whom.OFFICERS, Whom.COUNSELLORS]),
    unique=True,
)


@given(
    st.lists(responders, unique_by=lambda one: one.responder_id, max_size=12),
    st.integers(0, 4),
    also,
    st.sets(st.text("abcdef", min_size=1, max_size=3), max_size=4),
)
def test_a_step_asks_each_once_and_nobody_who_should_not_come(
    crew: list[Responder], count: int, groups: list[Whom], asked: set[str]
) -> None:
    step = Step(Place(1), 1, 30, next=count, also=tuple(groups))
    chosen = [one.responder_id for one in for_step(step, HOME, crew, asked, NOW, "Asia/Seoul")]
    by_id = {one.responder_id: one for one in crew}
    assert len(chosen) == len(set(chosen))
    assert not asked & set(chosen)
    for name in chosen:
        one = by_id[name]
        assert one.duty is ALWAYS
        assert one.kind != "engineer"
        assert not one.households or "home-1" in one.households
        assert one.district in ("", "Jongno") or one.kind in KINDS_OF[Whom.FIELD] | {"counsellor"}
    for group in groups:  # of whom it names, nobody is forgotten
        for one in crew:
            theirs = one.kind in KINDS_OF[group] and (
                group not in OF_DISTRICT or one.district == "Jongno"
            )
            free = one.duty is ALWAYS and one.responder_id not in asked
            here = not one.households or "home-1" in one.households
            if theirs and free and here:
                assert one.responder_id in chosen
