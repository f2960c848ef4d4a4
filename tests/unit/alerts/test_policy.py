"""What holds whatever the rules say, over the whole catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import (
    KINDS_OF,
    SYNTHETIC,
    Kind,
    Seen,
    Whom,
    opens_incident,
    outstanding,
    paging,
    restores,
    whom,
)
from core.catalogue import CATALOGUE

RESTORING = sorted(name for name, row in CATALOGUE.items() if row.restores)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_what_ends_an_alarm_is_none_itself(name: str) -> None:
    assert opens_incident(name) == (CATALOGUE[name].priority is not None)
    assert not (opens_incident(name) and restores(name))


def _left(*events: tuple[str, str]) -> set[tuple[str, str]]:
    """Return what is outstanding after (type, device) in order, numbered from 1."""
    return set(outstanding(Seen(*event, seq) for seq, event in enumerate(events, 1)))


@pytest.mark.parametrize("name", RESTORING)
def test_a_restore_ends_its_alarm(name: str) -> None:
    alarms = [(alarm, "device-1") for alarm in restores(name) if opens_incident(alarm)]
    assert _left(*alarms) == set(alarms)
    assert _left(*alarms, (name, "device-1")) == set()


def test_a_test_pages_the_loopback_from_the_synthetic_home_only() -> None:
    assert paging("at_once", Kind.TEST, "home-1") == "never"
    assert paging("never", Kind.TEST, SYNTHETIC) == "at_once"
    assert paging("after_grace", Kind.TAMPER, SYNTHETIC) == "after_grace"
    assert whom(Kind.TEST, "home-1") is Whom.SYNTHETIC
    assert whom(Kind.TECHNICAL, SYNTHETIC) is Whom.ENGINEERS
    assert whom(Kind.SOS, "home-1") is Whom.FIELD


def test_what_is_unknown_opens_nothing() -> None:
    assert not opens_incident("weather.changed")
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


def test_a_silent_home_is_asked_after_by_the_line_and_the_family_never_by_a_guard() -> None:
    who = whom(Kind.INACTIVITY, "home-1")
    assert KINDS_OF[who] == {"counsellor", "guardian"}
