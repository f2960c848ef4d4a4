"""When a device's clock is believed: up to an hour ahead and thirty days behind, to the µs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.database import Connection
from tests.conftest import NOON
from tests.integration.ingest.conftest import Feed, event

pytestmark = pytest.mark.integration

US = timedelta(microseconds=1)
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


@pytest.mark.parametrize(
    ("offset", "off"),
    [
        (HOUR - US, False),
        (HOUR, False),
        (HOUR + US, True),
        (-MONTH + US, False),
        (-MONTH, False),
        (-MONTH - US, True),
    ],
)
def test_a_clock_an_hour_ahead_or_thirty_days_behind(
    feed: Feed, conn: Connection, offset: timedelta, off: bool
) -> None:
    at = NOON + offset
    for _ in range(2):  # and a retry lands on the same row
        feed.give(event(1, at=at))
        feed.settle()
    (row,) = conn.execute("SELECT at, reported_at, clock_off FROM events").fetchall()
    assert row["clock_off"] is off
    assert row["at"] == (NOON if off else at)
    assert row["reported_at"] == (at if off else None)
    assert feed.broker.acks()["door-cam-1"] == {"stored": [1, 1], "rejected": []}
