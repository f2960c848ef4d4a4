"""Nobody inherits a stranger's past: a row goes to the home the device served at the time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.reports import Reject
from ingest.assignments import history, household_at
from ingest.rejects import KEPT_PER_DEVICE_AND_MINUTE, RejectLimiter
from tests.conftest import NOON

DAY = timedelta(days=1)
ROWS = [
    {"device_id": "d", "household_id": "second", "valid_from": NOON + 5 * DAY, "valid_to": None},
    {"device_id": "d", "household_id": "first", "valid_from": NOON, "valid_to": NOON + 3 * DAY},
]


@pytest.mark.parametrize(
    ("days", "home"),
    [(-100, "first"), (0, "first"), (2.99, "first"), (3, None), (4.99, None), (5, "second")],
)
def test_the_home_of_a_time(days: float, home: str | None) -> None:
    assert household_at(history(ROWS)["d"], NOON + days * DAY) == home


def test_a_device_without_history_has_no_home() -> None:
    assert household_at([], NOON) is None


def test_all_rejects_are_counted_and_ten_a_minute_kept() -> None:
    limiter = RejectLimiter()
    flood = [Reject(NOON, "event", "t", "json", "", 3, b"xyz", "dev-1") for _ in range(25)]
    quiet = [Reject(NOON, "event", "t", "json", "", 3, b"xyz", "dev-2")]
    kept, counts = limiter.split([*flood, *quiet])
    assert counts["event", "json"] == 26
    assert len(kept) == KEPT_PER_DEVICE_AND_MINUTE + 1
    later = [Reject(NOON + timedelta(minutes=1), "event", "t", "json", "", 3, b"", "dev-1")]
    assert len(limiter.split(later)[0]) == 1
