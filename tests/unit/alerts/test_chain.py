"""The digest of a log line depends on everything in it, and on all before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from alerts.audit import GENESIS, IncidentLine, chained

AT = datetime(2026, 11, 22, 3, 0, 0, 1, tzinfo=UTC)
LINE = IncidentLine(7, 1, AT, "device:button-1", "open", "raised", {"type": "sos.pressed"})


def test_the_digest_is_the_documented_one() -> None:
    # written down, so that a change of the canonical form cannot pass unseen
    assert (
        chained(GENESIS, LINE).hex()
        == "305c4018ea29324d1afd437599567a8ab79d089700d3f778f1ffd4b0defa4dc0"
    )


def test_a_digest_does_not_depend_on_how_the_same_is_written() -> None:
    seoul = AT.astimezone(timezone(timedelta(hours=9)))
    swapped = replace(LINE, detail={"b": 1, "a": "가"})
    assert chained(GENESIS, replace(LINE, at=seoul)) == chained(GENESIS, LINE)
    assert chained(GENESIS, swapped) == chained(GENESIS, replace(LINE, detail={"a": "가", "b": 1}))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "incident_id": st.integers(8, 99),
            "n": st.integers(2, 99),
            "at": st.datetimes(timezones=st.just(UTC)).filter(lambda at: at != AT),
            "actor": st.just("device:button-2"),
            "move": st.just("join"),
            "state": st.just("closed"),
            "detail": st.dictionaries(st.text(), st.integers(), min_size=1),
        },
    ).filter(bool)
)
def test_every_field_counts(changed: dict[str, object]) -> None:
    assert chained(GENESIS, replace(LINE, **changed)) != chained(GENESIS, LINE)


@given(st.binary(min_size=32, max_size=32).filter(lambda digest: digest != GENESIS))
def test_what_stands_before_counts(previous: bytes) -> None:
    assert chained(previous, LINE) != chained(GENESIS, LINE)
