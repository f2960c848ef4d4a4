"""The policy over the whole catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import (
    SYNTHETIC,
    Kind,
    Seen,
    Whom,
    outstanding,
    paging,
    plan_for,
    restored_kinds,
    restores,
    whom,
)
from core.catalogue import CATALOGUE, Priority

OPENING = sorted(name for name, row in CATALOGUE.items() if row.priority is not None)
RESTORING = sorted(name for name, row in CATALOGUE.items() if row.restores)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_what_has_a_priority_opens_and_nothing_else(name: str) -> None:
    plan, row = plan_for(name), CATALOGUE[name]
    assert (plan is None) == (row.priority is None)
    if plan:
        assert plan.priority == row.priority
    assert not (plan and restores(name))


@pytest.mark.parametrize("name", OPENING)
def test_life_safety_is_paged_at_once_in_every_home(name: str) -> None:
    plan = plan_for(name)
    assert plan is not None
    when = paging(plan, "home-1")
    if plan.priority == Priority.LIFE_SAFETY:
        assert when == "at_once"
    elif plan.priority == Priority.INTRUSION:
        assert when == "after_grace"
    else:
        assert when == "never"


def _left(*events: tuple[str, str]) -> set[tuple[str, str]]:
    """Return what is outstanding after (type, device) in order, numbered from 1."""
    return set(outstanding(Seen(*event, seq) for seq, event in enumerate(events, 1)))


@pytest.mark.parametrize("name", RESTORING)
def test_a_restore_ends_its_alarm(name: str) -> None:
    alarms = [(alarm, "device-1") for alarm in restores(name) if plan_for(alarm)]
    assert _left(*alarms) == set(alarms)
    assert _left(*alarms, (name, "device-1")) == set()
    assert {plan_for(alarm).kind for alarm, _ in alarms} == restored_kinds(name)  # type: ignore[union-attr]


def test_a_test_pages_the_loopback_from_the_synthetic_home_only() -> None:
    plan = plan_for("sos.test")
    assert plan is not None
    assert paging(plan, "home-1") == "never"
    assert paging(plan, SYNTHETIC) == "at_once"
    assert whom(Kind.TEST, "home-1") is Whom.SYNTHETIC
    assert whom(Kind.TECHNICAL, SYNTHETIC) is Whom.ENGINEERS
    assert whom(Kind.SOS, "home-1") is Whom.FIELD


def test_what_is_unknown_opens_nothing() -> None:
    assert plan_for("weather.changed") is None
    assert restores("weather.changed") == ()


def test_a_restore_counts_for_its_own_device() -> None:
    events = [("battery.low", "a"), ("battery.low", "b"), ("battery.restored", "a")]
    assert _left(*events) == {("battery.low", "b")}


def test_an_old_restore_that_comes_late_ends_nothing() -> None:
    low = ("battery.low", "a")
    assert outstanding([Seen(*low, 9), Seen("battery.restored", "a", 8)]) == {low}


def test_a_press_is_taken_back_from_any_device_of_the_home() -> None:
    press = Seen("sos.pressed", "button", 2**60)
    assert outstanding([press, Seen("sos.cancelled", "app", 1)]) == set()


def test_a_loitering_that_went_on_ends_once() -> None:
    events = [("loiter.started", "c"), ("loiter.updated", "c"), ("loiter.ended", "c")]
    assert _left(*events) == set()
    assert _left(*events, ("loiter.updated", "c")) == {("loiter.started", "c")}


@given(st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE)), st.sampled_from("ab"))))
def test_what_is_outstanding_was_raised_and_not_restored_since(
    events: list[tuple[str, str]],
) -> None:
    for alarm, device in _left(*events):
        raised = max(
            n
            for n, (name, where) in enumerate(events)
            if where == device and name in (alarm, alarm.replace("started", "updated"))
        )
        assert not any(
            alarm in restores(name) and where == device for name, where in events[raised:]
        )
