"""Both roads into the table leave the same rows, whatever is redelivered, however it is guessed."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import Source
from core.database import Connection
from core.model import Event
from ingest.store import store
from tests.conftest import NOON


def row(seq: int, home: int = 1, **changes: object) -> Event:
    fields: dict[str, object] = {
        "household_id": f"home-{home}",
        "at": NOON + timedelta(microseconds=home),
        "device_id": "door-cam-1",
        "seq": seq,
        "source": Source.DEVICE,
        "type": "door.opened",
        "received_at": NOON,
        **changes,
    }
    return Event(**fields)  # type: ignore[arg-type]


_batch = st.lists(
    st.tuples(st.builds(row, st.integers(0, 6), st.integers(1, 2)), st.booleans()), max_size=8
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_batch, max_size=5))
def test_any_stream_and_any_guess_leave_each_row_once(
    conn: Connection, batches: list[list[tuple[Event, bool]]]
) -> None:
    conn.execute("TRUNCATE events")
    there: set[tuple[str, int]] = set()
    for batch in batches:
        events = [event for event, _ in batch]
        with conn.transaction():
            new = store(conn, events, [guess for _, guess in batch])
        expected = []
        for event in events:
            if (event.household_id, event.seq) not in there:
                there.add((event.household_id, event.seq))
                expected.append(event)
        assert sorted(map(_key, new)) == sorted(map(_key, expected))
    found = conn.execute("SELECT household_id, seq FROM events").fetchall()
    assert sorted((one["household_id"], one["seq"]) for one in found) == sorted(there)


def _key(event: Event) -> tuple[str, int]:
    return event.household_id, event.seq


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seq=st.integers(0, 2**63 - 1),
    at=st.timedeltas(timedelta(days=-30), timedelta(hours=1)),
    reported=st.none() | st.datetimes(timezones=st.just(NOON.tzinfo)),
    home=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    data=st.sampled_from([b"{}", '{"이름": "é"}'.encode(), b'{"a": [1, 2.50, null]}']),
)
def test_every_value_comes_back_as_it_was(
    conn: Connection,
    seq: int,
    at: timedelta,
    reported: object,
    home: str,
    data: bytes,
) -> None:
    conn.execute("TRUNCATE events")
    given_row = row(
        seq,
        household_id=home,
        at=NOON + at,
        reported_at=reported,
        clock_off=reported is not None,
        data=data,
    )
    with conn.transaction():
        assert store(conn, [given_row]) == [given_row]
    (found,) = conn.execute("SELECT *, data::text AS raw FROM events").fetchall()
    assert found.pop("raw").encode() == data
    found["data"] = data
    assert Event(**{**found, "source": Source(found["source"])}) == given_row


@pytest.mark.parametrize("guess", [True, False])
def test_a_refused_value_leaves_nothing_of_its_batch(conn: Connection, guess: bool) -> None:
    conn.execute("ALTER TABLE events ADD CHECK (seq <> 13)")
    with pytest.raises(psycopg.errors.CheckViolation), conn.transaction():
        store(conn, [row(12), row(13), row(14)], [guess, guess, not guess])
    assert conn.execute("SELECT FROM events").fetchall() == []
