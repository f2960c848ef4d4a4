"""Homes on test, on the real schema: they end by themselves and stand in nobody's way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.database import Connection, connect
from core.errors import NotFound, PermanentError
from households.homes import Home, add_household
from households.on_test import (
    LONGEST_MINUTES,
    LONGEST_REASON,
    OnTest,
    homes_on_test,
    put_on_test,
    standing_test,
    take_off_test,
)
from tests.conftest import NOON

pytestmark = pytest.mark.integration
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def home(conn: Connection) -> None:
    for name in ("home-1", "home-2"):
        add_household(conn, Home(name, "Home", 37.5, 127.0))


def put(conn: Connection, at: datetime = NOON, minutes: int = 60, why: str = "battery") -> OnTest:
    return put_on_test(conn, "home-1", minutes=minutes, reason=why, by="tech", now=at)


def test_it_ends_by_itself(conn: Connection) -> None:
    made = put(conn, why=" new battery ")
    assert made == OnTest("home-1", NOON, NOON + 60 * MINUTE, "tech", "new battery")
    assert standing_test(conn, "home-1", NOON + 59 * MINUTE) == made
    assert homes_on_test(conn, NOON + 59 * MINUTE) == {"home-1": made}
    assert standing_test(conn, "home-1", NOON + 60 * MINUTE) is None
    assert homes_on_test(conn, NOON + 60 * MINUTE) == {}
    assert made.covers(NOON)
    assert not made.covers(NOON - timedelta(microseconds=1))
    assert not made.covers(NOON + 60 * MINUTE)


def test_it_is_ended_before_its_time_and_again_changes_nothing(conn: Connection) -> None:
    put(conn)
    assert take_off_test(conn, "home-1", by="boss", now=NOON + MINUTE)
    assert standing_test(conn, "home-1", NOON + MINUTE) is None
    assert not take_off_test(conn, "home-1", by="boss", now=NOON + 2 * MINUTE)
    rows = conn.execute("SELECT put_by, ended_at, ended_by FROM homes_on_test").fetchall()
    assert rows == [{"put_by": "tech", "ended_at": NOON + MINUTE, "ended_by": "boss"}]


def test_it_is_prolonged_from_now_on_and_keeps_its_begin(conn: Connection) -> None:
    put(conn)
    longer = put(conn, NOON + 50 * MINUTE, LONGEST_MINUTES, "the camera too")
    assert (longer.since, longer.until) == (NOON, NOON + (50 + LONGEST_MINUTES) * MINUTE)
    assert homes_on_test(conn, NOON + 51 * MINUTE) == {"home-1": longer}
    assert put(conn, longer.until).since == longer.until  # after its end it begins anew


@pytest.mark.parametrize(
    ("minutes", "why"),
    [(0, "x"), (-5, "x"), (LONGEST_MINUTES + 1, "x"), (60, ""), (60, "  "), (60, "x" * 201)],
)
def test_no_longer_than_a_working_day_and_not_without_a_reason(
    conn: Connection, minutes: int, why: str
) -> None:
    assert LONGEST_REASON == 200
    with pytest.raises(PermanentError):
        put(conn, minutes=minutes, why=why)
    assert homes_on_test(conn, NOON) == {}


def test_a_home_that_is_not_there(conn: Connection) -> None:
    conn.execute("UPDATE households SET removed_at = now() WHERE household_id = 'home-1'")
    with pytest.raises(NotFound):
        put(conn)
    with pytest.raises(NotFound):
        take_off_test(conn, "nowhere", by="tech", now=NOON)


def test_whoever_puts_a_home_on_test_stops_no_incident_of_it(conn: Connection, dsn: str) -> None:
    with connect(dsn) as other:
        put(other)  # and does not commit yet
        conn.execute("SET lock_timeout = '2s'")
        conn.execute(
            "INSERT INTO incidents (household_id, kind, priority, state, opened_at, created_at)"
            " VALUES ('home-1', 'sos', 1, 'raised', now(), now())"
        )
        other.rollback()
