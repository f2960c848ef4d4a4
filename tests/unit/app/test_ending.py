"""When the end of a session is told, and how loudly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.console.ending import Ending, ending

END = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left_s", "told"),
    [
        (1801, None),
        (1800, (30, "soon")),
        (301, (6, "soon")),
        (300, (5, "urgent")),
        (59, (1, "urgent")),
        (0, (0, "urgent")),
        (-5, (0, "urgent")),
    ],
)
def test_half_an_hour_before_quietly_and_loudly_at_the_last(left_s, told) -> None:
    found = ending(END, END - timedelta(seconds=left_s))
    assert found == (Ending(END, *told) if told else None)


def test_a_token_has_no_end_to_be_told() -> None:
    assert ending(None, END) is None
