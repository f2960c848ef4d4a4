"""Packed chunks: the same rows, a late one stored once by either road, packed again later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from core.database import Connection
from ingest.storage.compaction import COMPACT_AFTER, compact
from ingest.storage.partitions import make_partitions
from tests.conftest import NOON
from tests.integration.storage.conftest import PLAIN, ask, copy, one, put, row

pytestmark = pytest.mark.integration

OLD = NOON - timedelta(days=60)
ALL = "SELECT household_id, at, seq, data::text FROM events ORDER BY at, household_id, seq"


def fill(conn: Connection) -> list[tuple[Any, ...]]:
    """Rows of two months ago and of now."""
    make_partitions(conn, OLD)
    rows = [row(n, OLD + n * timedelta(seconds=20), home=f"home-{n % 7}") for n in range(3000)]
    copy(conn, [*rows, *(row(10_000 + n) for n in range(10))])
    return rows


def test_packing_changes_no_row_and_is_done_once(store: Connection, kind: str) -> None:
    fill(store)
    before = ask(store, ALL)
    packed = compact(store, NOON)
    assert len(packed) >= 1
    assert ask(store, ALL) == before
    assert compact(store, NOON) == []
    if kind != PLAIN:
        states = ask(
            store,
            "SELECT is_compressed FROM timescaledb_information.chunks "
            "WHERE hypertable_name = 'events' ORDER BY range_start",
        )
        assert states == [(True,), (False,)]


def test_nothing_within_the_backlog_is_packed(store: Connection) -> None:
    put(store, [row(1, NOON - COMPACT_AFTER), row(2)])
    assert compact(store, NOON) == []


@pytest.mark.timescale
def test_a_redelivery_into_a_packed_chunk_is_stored_once(timescale: Connection) -> None:
    rows = fill(timescale)
    compact(timescale, NOON)
    again = rows[::10]
    late = [row(50_000 + n, OLD + n * timedelta(minutes=5)) for n in range(200)]
    with pytest.raises(psycopg.errors.UniqueViolation):
        copy(timescale, [*late, *again])
    assert put(timescale, [*late[:100], *again]) == 100
    copy(timescale, late[100:])
    assert put(timescale, [*late, *again]) == 0
    assert one(timescale, "SELECT count(*) FROM events") == len(rows) + 10 + len(late)
    before = ask(timescale, ALL)
    assert len(compact(timescale, NOON)) == 1  # again, with the late ones
    assert ask(timescale, ALL) == before
    assert compact(timescale, NOON) == []


@pytest.mark.timescale
def test_packing_is_by_home_and_time(timescale: Connection) -> None:
    fill(timescale)
    settings = ask(
        timescale,
        "SELECT segmentby, orderby FROM timescaledb_information.hypertable_columnstore_settings "
        "WHERE hypertable = 'events'::regclass",
    )
    assert settings == [("", "household_id,at DESC")]
    assert (
        ask(
            timescale,
            "SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL",
        )
        == []
    ), "all jobs are ours, in one place"
