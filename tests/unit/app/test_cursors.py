"""Cursors: what is encoded comes back; anything else is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.cursors import Cursor, decode, encode
from core.errors import PermanentError

times = st.datetimes(
    min_value=datetime(1970, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.just(UTC),
)
names = st.from_regex(r"[a-z0-9][a-z0-9-]{3,39}", fullmatch=True)


@given(
    st.builds(
        Cursor,
        at=times,
        device_id=names,
        seq=st.integers(0, 2**63 - 1),
        source=st.sampled_from(["device", "detector", "backend"]),
    )
)
def test_round_trip(cursor: Cursor) -> None:
    assert decode(encode(cursor)) == cursor


@given(st.text(max_size=80))
def test_any_text_is_a_cursor_or_a_permanent_error(word: str) -> None:
    try:
        cursor = decode(word)
    except PermanentError:
        return
    assert 0 <= cursor.seq < 2**63


@pytest.mark.parametrize("word", ["W10", "bnVsbA", "WzEsIlx1MDAwMCIsMSwiZCJd"])
def test_json_that_is_no_cursor(word: str) -> None:
    with pytest.raises(PermanentError):
        decode(word)
