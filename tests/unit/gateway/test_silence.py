"""Which devices are silent: what was heard, how long we listened, and how many at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.silence import BEHIND_S, Silence, Verdict, Watched, judge

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GRADE_S = 90.0


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def verdict(*devices: Watched, told: tuple[Silence, ...] = (), listened_s: float = 3600) -> Verdict:
    return judge(devices, told, now=NOW, listening_since=ago(listened_s), grade_s=GRADE_S)


def camera(heard_s: float | None, name: str = "camera-1", home: str = "h1", **more: object):
    heard = None if heard_s is None else ago(heard_s)
    return Watched(name, home, last_heard_at=heard, online=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("heard_s", "silent"), [(0, 0), (79.9, 0), (80, 1), (86400, 1)])
def test_a_lost_path_is_told_within_its_grade(heard_s: float, silent: int) -> None:
    assert len(verdict(camera(heard_s)).silent) == silent


def test_the_last_will_is_told_sooner_but_not_at_once() -> None:
    lost = camera(30, status_at=ago(9))
    assert verdict(replace(lost, online=False)).silent == []
    (told,) = verdict(replace(lost, online=False, status_at=ago(10))).silent
    assert (told.type, told.since, told.why) == ("device.offline", ago(10), "connection lost")


def test_a_will_of_a_session_that_was_taken_over_means_nothing() -> None:
    assert verdict(camera(3, status_at=ago(20))).silent == []
    assert verdict(replace(camera(3, status_at=ago(20)), online=False)).silent == []


def test_what_was_never_heard_is_not_missed() -> None:
    assert verdict(camera(None)).silent == []


@given(heard_s=st.floats(0, 1e6), listened_s=st.floats(0, 79))
def test_while_we_do_not_listen_nobody_is_silent(heard_s: float, listened_s: float) -> None:
    assert verdict(camera(heard_s), listened_s=listened_s).silent == []


def test_a_will_published_in_our_own_outage_has_its_time_too() -> None:
    lost = replace(camera(900, status_at=ago(600)), online=False)
    assert verdict(lost, listened_s=9).silent == []
    assert len(verdict(lost, listened_s=11).silent) == 1


def test_it_is_told_once_and_is_back_when_it_is_heard() -> None:
    told = Silence("camera-1", "h1", "device.offline", ago(500))
    assert verdict(camera(500), told=(told,)) == Verdict([], [])
    assert verdict(camera(1), told=(told,)) == Verdict([], [told])
    assert verdict(told=(told,)) == Verdict([], [])  # out of service: nothing is known of it


def test_a_gateway_is_told_first_and_at_each_home_behind_it() -> None:
    hub = camera(100, "hub", "h1")
    behind = [camera(100 + BEHIND_S, f"button-{n}", f"h{n}", behind="hub") for n in (1, 2, 3)]
    told = verdict(*behind, hub).silent
    assert [(one.type, one.household_id) for one in told[:3]] == [
        ("gateway.offline", "h1"), ("gateway.offline", "h2"), ("gateway.offline", "h3"),
    ]  # fmt: skip
    assert {one.type for one in told[3:]} == {"device.offline"}
    assert verdict(camera(85, "button-1", behind="hub"), camera(85, "hub")).silent[0].type == (
        "gateway.offline"
    )


@pytest.mark.parametrize(("fleet", "silent", "told"), [(20, 19, 19), (20, 20, 0), (500, 99, 99)])
def test_much_of_the_fleet_at_once_is_our_side(fleet: int, silent: int, told: int) -> None:
    devices = [camera(300 if n < silent else 1, f"camera-{n}", f"h{n}") for n in range(fleet)]
    found = verdict(*devices)
    assert len(found.silent) == told
    assert found.held == (0 if told else silent)


def test_what_is_behind_a_silent_gateway_is_explained_and_not_counted() -> None:
    behind = [camera(300, f"b-{n}", f"h{n}", behind="hub") for n in range(200)]
    found = verdict(camera(300, "hub", "h0"), *behind)
    assert found.held == 0
    assert len(found.silent) == 200 + 200
