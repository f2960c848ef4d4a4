"""On a real TimescaleDB: the same table is a hypertable and keeps its promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.database import Connection
from tests.conftest import NOON
from tests.integration.ingest.conftest import Feed, event, feed  # noqa: F401 - a fixture

pytestmark = [pytest.mark.integration, pytest.mark.timescale]


@pytest.fixture(autouse=True)
def _needs_the_extension(conn: Connection) -> None:
    found = conn.execute(
        "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'"
    ).fetchone()
    if found is None:
        pytest.skip("no TimescaleDB here: set DOORGUARD_POSTGRES_PREFIX, or start Docker")


def chunks(conn: Connection) -> int:
    row = conn.execute(
        "SELECT count(*) AS n FROM timescaledb_information.chunks WHERE hypertable_name = 'events'"
    ).fetchone()
    assert row is not None
    return int(row["n"])


def test_events_is_a_hypertable(conn: Connection) -> None:
    found = conn.execute(
        "SELECT hypertable_name FROM timescaledb_information.hypertables"
    ).fetchall()
    assert [row["hypertable_name"] for row in found] == ["events"]


def test_redelivery_over_weeks_and_absurd_times_make_no_chunks(
    feed: Feed,  # noqa: F811
    conn: Connection,
) -> None:
    weeks = [event(n, at=NOON - timedelta(days=7 * n)) for n in range(4)]
    absurd = [event(100 + n, at=NOON.replace(year=year)) for n, year in enumerate((1970, 2099))]
    for _ in range(2):
        feed.give(weeks + absurd)
        feed.settle()
    row = conn.execute("SELECT count(*) AS n FROM events").fetchone()
    assert row is not None
    assert row["n"] == 6
    assert chunks(conn) == 4


def test_partitions_are_left_to_the_extension(conn: Connection) -> None:
    row = conn.execute(
        "SELECT make_event_partitions(now(), now() + interval '1 year') AS made"
    ).fetchone()
    assert row is not None
    assert row["made"] == 0
