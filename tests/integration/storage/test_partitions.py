"""Room is there before the rows are, at the fleet's width, and absurd times make none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from core.database import Connection
from ingest.storage.partitions import AHEAD, gaps, make_partitions, spans
from tests.conftest import NOON
from tests.integration.storage.conftest import PLAIN, one, put, row

pytestmark = pytest.mark.integration


def add_homes(conn: Connection, n: int) -> None:
    conn.execute(
        "INSERT INTO households (household_id, name, lat, lon) "
        "SELECT 'many-' || i, '', 0, 0 FROM generate_series(1, %s) i",
        (n,),
    )


def test_the_backlog_and_two_weeks_ahead_have_room(store: Connection, kind: str) -> None:
    times = [NOON - timedelta(days=30), NOON, NOON + timedelta(days=13, hours=23)]
    assert put(store, [row(n, at) for n, at in enumerate(times)]) == 3
    if kind == PLAIN:
        assert gaps(spans(store), NOON - timedelta(days=36), NOON + AHEAD, timedelta(days=7)) == []


def test_making_room_twice_makes_nothing(store: Connection) -> None:
    assert make_partitions(store, NOON) == []


def test_a_larger_fleet_gets_narrower_ones_beside_the_old(store: Connection, kind: str) -> None:
    put(store, [row(1)])
    add_homes(store, 3_001)
    later = NOON + timedelta(days=40)
    made = make_partitions(store, later)
    put(store, [row(2, later), row(3, later + timedelta(days=1))])
    if kind == PLAIN:
        found = spans(store)
        assert all(a.end <= b.start for a, b in pairwise(found))
        assert made
        day = [span for span in found if span.start <= later < span.end]
        assert day == [(later.replace(hour=0), later.replace(hour=0) + timedelta(days=1))]
    else:
        widths = one(
            store,
            "SELECT array_agg(range_end - range_start ORDER BY range_start) "
            "FROM timescaledb_information.chunks WHERE hypertable_name = 'events'",
        )
        assert widths == [timedelta(days=7), timedelta(days=1), timedelta(days=1)]
    assert one(store, "SELECT count(*) FROM events") == 3


def test_making_room_stops_no_writer(store: Connection, store_dsn: str) -> None:
    with psycopg.connect(store_dsn) as writer:
        writer.execute(
            "INSERT INTO events SELECT household_id, at, 'x', seq, source, type, received_at, "
            "reported_at, clock_off, data FROM events"
        )  # an open transaction that has touched the table
        store.execute("SET lock_timeout = '200ms'")
        make_partitions(store, NOON + timedelta(days=100))
        writer.rollback()


def test_there_is_no_room_in_absurd_times(store: Connection, kind: str) -> None:
    if kind == PLAIN:
        with pytest.raises(psycopg.errors.CheckViolation):
            put(store, [row(1, datetime(2099, 1, 1, tzinfo=UTC))])
