"""The store's pure decisions: widths of chunks, gaps between partitions, stretches of buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.storage.partitions import Span, gaps, partition_name
from ingest.storage.rollups import FLEET_HOURS, HOUSEHOLD_DAYS, stretches
from ingest.storage.width import chunk_width

NOON = datetime(2026, 11, 22, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("homes", "width"),
    [
        (0, 7 * DAY),
        (3_000, 7 * DAY),
        (3_001, DAY),
        (100_000, DAY),
        (100_001, 6 * HOUR),
        (5_000_000, 6 * HOUR),
    ],
)
def test_width_by_the_fleet(homes: int, width: timedelta) -> None:
    assert chunk_width(homes) == width


WIDTHS = st.sampled_from([6 * HOUR, DAY, 7 * DAY])
TIMES = st.integers(-5_000, 5_000).map(lambda hours: NOON + hours * HOUR)


@given(st.lists(st.tuples(TIMES, WIDTHS, st.integers(1, 60)), min_size=1, max_size=5))
def test_any_history_of_widths_covers_without_overlap(
    history: list[tuple[datetime, timedelta, int]],
) -> None:
    existing: list[Span] = []
    for start, width, days in history:
        made = gaps(existing, start, start + days * DAY, width)
        assert all(span.start < span.end <= span.start + width for span in made)
        existing = sorted([*existing, *made])
        assert all(a.end <= b.start for a, b in pairwise(existing))
        assert gaps(existing, start, start + days * DAY, width) == []
        names = [partition_name(span) for span in existing]
        assert len(set(names)) == len(names)


def test_a_gap_ends_where_the_next_begins() -> None:
    week = Span(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))
    made = gaps([week], NOON, NOON + 8 * DAY, DAY)
    assert made == [
        Span(datetime(2026, 11, 22, tzinfo=UTC), week.start),
        Span(week.end, week.end + DAY),
    ]
    assert partition_name(made[0]) == "events_20261122"
    assert partition_name(Span(NOON.replace(hour=6), NOON)) == "events_20261122_06"


def test_buckets_begin_at_their_origin() -> None:
    assert HOUSEHOLD_DAYS.floor(NOON) == datetime(2026, 11, 21, 15, tzinfo=UTC)
    assert HOUSEHOLD_DAYS.floor(datetime(2026, 11, 21, 15, tzinfo=UTC)).hour == 15
    assert FLEET_HOURS.floor(NOON + timedelta(minutes=59)) == NOON


@given(st.sets(st.integers(0, 50)))
def test_stretches_hold_exactly_the_buckets(hours: set[int]) -> None:
    buckets = [NOON + hour * HOUR for hour in sorted(hours)]
    joined = stretches(buckets, HOUR)
    held = [begin + n * HOUR for begin, end in joined for n in range(round((end - begin) / HOUR))]
    assert held == buckets
    assert all(a[1] < b[0] for a, b in pairwise(joined))
