"""The same questions, the same answers on both stores: at the edge, behind it, for the late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.database import Connection
from ingest.storage import rollups
from ingest.storage.partitions import make_partitions
from tests.conftest import NOON
from tests.integration.storage.conftest import ask, one, put, row

pytestmark = pytest.mark.integration

DAYS = "SELECT household_id, day, type, n, first_at, last_at FROM household_days ORDER BY 1, 2, 3"
DAYS_FROM_ROWS = """
SELECT household_id, date_bin('1 day', at, '2000-01-01 15:00+00'), type, count(*) AS n,
       min(at) AS first_at, max(at) AS last_at
FROM events GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
HOURS = "SELECT hour, type, n, late, clock_off, worst_lag FROM fleet_hours ORDER BY 1, 2"
HOURS_FROM_ROWS = """
SELECT date_bin('1 hour', at, '2000-01-01 00:00+00'), type, count(*) AS n,
       count(*) FILTER (WHERE received_at - at > interval '1 minute') AS late,
       count(*) FILTER (WHERE clock_off) AS clock_off, max(received_at - at) AS worst_lag
FROM events GROUP BY 1, 2 ORDER BY 1, 2"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def life(days: int = 12) -> list[tuple[Any, ...]]:
    """Two homes' doors up to noon, every 97 minutes."""
    kinds = ("door.opened", "door.closed", "bell.pressed")
    return [
        row(n, NOON - n * timedelta(minutes=97), home=f"home-{n % 2}", type_=kinds[n % 3])
        for n in range(days * 24 * 60 // 97)
    ]


def agree(conn: Connection) -> None:
    assert ask(conn, DAYS) == ask(conn, DAYS_FROM_ROWS)
    assert ask(conn, HOURS) == ask(conn, HOURS_FROM_ROWS)
    assert ask(conn, DAYS), "there is nothing to compare"


def test_before_any_refresh_and_after(store: Connection) -> None:
    put(store, life())
    agree(store)
    rollups.refresh(store, NOON)
    agree(store)
    assert rollups.counted_to(store)["household_days"] == NOON.replace(hour=15) - DAY
    assert set(rollups.behind(store, NOON).values()) == {timedelta(0)}


def test_what_just_happened_is_counted_at_once(store: Connection) -> None:
    put(store, life())
    rollups.refresh(store, NOON)
    put(store, [row(9001, NOON), row(9002, NOON + timedelta(minutes=59))])
    agree(store)


def test_late_rows_are_counted_in_the_end(store: Connection) -> None:
    put(store, life())
    rollups.refresh(store, NOON)
    for n, behind in enumerate((HOUR, 26 * HOUR, 20 * DAY, 30 * DAY)):
        at = NOON - behind
        put(store, [row(9000 + n, at, late=behind), row(9000 + n, at, late=behind, home="home-9")])
        rollups.recount(store, NOON + HOUR)
        agree(store)


def test_recent_late_rows_do_not_wait_for_the_night(store: Connection) -> None:
    put(store, life())
    rollups.refresh(store, NOON)
    put(store, [row(9001, NOON - 2 * DAY, late=2 * DAY)])
    rollups.refresh(store, NOON + timedelta(minutes=10))
    agree(store)


def test_a_row_committed_long_after_its_receipt_is_counted(store: Connection) -> None:
    put(store, life())
    rollups.refresh(store, NOON)
    rollups.refresh(store, NOON + HOUR)
    put(store, [row(9001, NOON - HOUR, late=timedelta(0))])  # received before both looks
    rollups.refresh(store, NOON + 2 * HOUR)
    agree(store)


def test_counting_again_changes_nothing(store: Connection) -> None:
    put(store, life())
    for hours in (0, 0, 5, 5, 30):
        rollups.refresh(store, NOON + hours * HOUR)
        rollups.recount(store, NOON + hours * HOUR)
    agree(store)


def test_history_from_before_the_rollups_is_counted(store: Connection) -> None:
    old = NOON - timedelta(days=100)
    make_partitions(store, old)
    put(store, [row(1, old), *life(2)])
    rollups.refresh(store, NOON)
    agree(store)
    rollups.refresh(store, NOON + DAY)
    agree(store)


def test_lag_is_what_waits_not_what_is_quiet(store: Connection) -> None:
    put(store, life(2))
    rollups.refresh(store, NOON + DAY)
    quiet = rollups.behind(store, NOON + 3 * DAY)
    assert set(quiet.values()) == {timedelta(0)}
    put(store, [row(9001, NOON + DAY)])
    late = rollups.behind(store, NOON + 3 * DAY)
    assert late == {"household_days": 2 * DAY, "fleet_hours": 2 * DAY}
    rollups.refresh(store, NOON + 3 * DAY)
    assert set(rollups.behind(store, NOON + 3 * DAY).values()) == {timedelta(0)}


def test_a_day_begins_at_midnight_in_korea(store: Connection) -> None:
    midnight = NOON.replace(hour=15) - DAY
    put(store, [row(1, midnight - timedelta(microseconds=1)), row(2, midnight)])
    rollups.refresh(store, NOON)
    assert one(store, "SELECT count(*) FROM household_days") == 2
