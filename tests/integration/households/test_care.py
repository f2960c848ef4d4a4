"""Modes and guardians of a home, on the real schema."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import Conflict, NotFound, PermanentError
from households.guardians import (
    MAX_GUARDIANS,
    GuardianRight,
    add_guardian,
    limit_guardian,
    list_guardians,
    remove_guardian,
    rights_of,
)
from households.homes import Home, add_household
from households.modes import Mode, mode_of, set_mode
from tests.conftest import NOON

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def home(conn) -> None:
    add_household(conn, Home("home-1", "Home", 37.5, 127.0))


def test_a_mode_ends_by_itself(conn) -> None:
    assert mode_of(conn, "home-1", NOON).mode is Mode.HOME
    set_mode(conn, "home-1", Mode.HOLIDAY, until=NOON + HOUR, by="kim", now=NOON)
    held = mode_of(conn, "home-1", NOON + HOUR / 2)
    assert (held.mode, held.since, held.until, held.by) == (
        Mode.HOLIDAY, NOON, NOON + HOUR, "kim",
    )  # fmt: skip
    over = mode_of(conn, "home-1", NOON + HOUR)
    assert (over.mode, over.since, over.until) == (Mode.HOME, NOON + HOUR, None)


def test_modes_that_make_no_sense_are_refused(conn) -> None:
    with pytest.raises(PermanentError):
        set_mode(conn, "home-1", Mode.HOME, until=NOON + HOUR, by="kim", now=NOON)
    with pytest.raises(PermanentError):
        set_mode(conn, "home-1", Mode.AWAY, until=NOON, by="kim", now=NOON)
    with pytest.raises(NotFound):
        set_mode(conn, "nowhere", Mode.AWAY, until=None, by="kim", now=NOON)


def add(conn, user: str, *rights: GuardianRight) -> None:
    add_guardian(
        conn, "home-1", user,
        name=user.title(), relation="son", phone="010", rights=rights, by="kim", now=NOON,
    )  # fmt: skip


def test_guardians_are_added_limited_and_removed(conn) -> None:
    add(conn, "son", GuardianRight.LOOK, GuardianRight.ALARMS)
    assert rights_of(conn, "home-1", "son") == {GuardianRight.LOOK, GuardianRight.ALARMS}
    with pytest.raises(Conflict):
        add(conn, "son")
    limit_guardian(conn, "home-1", "son", [GuardianRight.HISTORY])
    assert rights_of(conn, "home-1", "son") == {GuardianRight.HISTORY}
    assert [(g.user_id, g.name, g.added_by) for g in list_guardians(conn, "home-1")] == [
        ("son", "Son", "kim")
    ]
    remove_guardian(conn, "home-1", "son", NOON)
    assert rights_of(conn, "home-1", "son") == frozenset()
    for gone in (limit_guardian, remove_guardian):
        with pytest.raises(NotFound):
            gone(conn, "home-1", "son", NOON if gone is remove_guardian else [])
    add(conn, "son")  # named again, with no more rights than now
    assert rights_of(conn, "home-1", "son") == frozenset()


def test_a_home_has_ten_guardians_at_most(conn) -> None:
    for number in range(MAX_GUARDIANS):
        add(conn, f"g{number}")
    with pytest.raises(Conflict):
        add(conn, "one-too-many")
