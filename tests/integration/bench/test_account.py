"""The bench's count finds what it is there for: a row lost, doubled, of nobody, or overtaken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.bench.account import Count, count
from core.catalogue import Source
from core.database import Connection
from core.model import Event
from ingest import store

pytestmark = pytest.mark.integration

FIRST, N = 1_763_848_041_000_000, 20
DEVICES = ("bench-0001", "bench-0002")
SENT = dict.fromkeys(DEVICES, (FIRST, N))
GOOD = Count(sent=2 * N, rows=2 * N, lost=0, doubled=0, not_sent=0, out_of_order=0)


def events(
    now: datetime,
    device: str,
    first: int,
    n: int,
    type: str = "motion.sensed",  # noqa: A002 - the wire's name
) -> list[Event]:
    return [
        Event(
            household_id="home-1",
            at=now,
            device_id=device,
            seq=seq,
            source=Source.DEVICE,
            type=type,
            received_at=now,
        )
        for seq in range(first, first + n)
    ]


@pytest.fixture
def stored(conn: Connection) -> Connection:
    now = datetime.now(UTC)
    for begins in (FIRST, FIRST + N // 2):  # in two transactions
        for device in DEVICES:
            with conn.transaction():
                store.store(conn, events(now, device, begins, N // 2))
    return conn


def test_all_is_there_once_and_in_order(stored: Connection) -> None:
    found = count(stored, SENT)
    assert found == GOOD
    assert found.ok


def test_a_row_that_is_gone_is_lost(stored: Connection) -> None:
    stored.execute("DELETE FROM events WHERE seq = %s AND device_id = %s", (FIRST + 3, DEVICES[1]))
    found = count(stored, SENT)
    assert (found.lost, found.rows, found.ok) == (1, 2 * N - 1, False)


def test_the_same_seq_twice_is_doubled(stored: Connection) -> None:
    moved = datetime.now(UTC) - timedelta(hours=1)
    store.store(stored, events(moved, DEVICES[0], FIRST + 5, 1))
    found = count(stored, SENT)
    assert (found.doubled, found.lost, found.ok) == (1, 0, False)


def test_a_row_that_nobody_sent_is_told(stored: Connection) -> None:
    store.store(stored, events(datetime.now(UTC), DEVICES[0], FIRST + N, 1))
    found = count(stored, SENT)
    assert (found.not_sent, found.ok) == (1, False)


def test_a_row_written_after_a_higher_one_is_out_of_order(stored: Connection) -> None:
    stored.execute("DELETE FROM events WHERE seq = %s", (FIRST + 2,))
    for device in DEVICES:
        store.store(stored, events(datetime.now(UTC), device, FIRST + 2, 1))
    found = count(stored, SENT)
    assert (found.lost, found.doubled) == (0, 0)
    assert found.out_of_order == 2 * (N - 3), "every row that stood there before a lower one did"
    assert not found.ok


def test_an_alarm_may_overtake_but_must_not_be_lost(stored: Connection) -> None:
    stored.execute("DELETE FROM events WHERE seq = %s", (FIRST + 2,))
    for device in DEVICES:
        store.store(stored, events(datetime.now(UTC), device, FIRST + 2, 1, "sos.pressed"))
    assert count(stored, SENT) == GOOD
    stored.execute("DELETE FROM events WHERE type = 'sos.pressed'")
    assert count(stored, SENT).lost == 2


def test_what_an_earlier_run_left_is_not_counted(stored: Connection) -> None:
    store.store(stored, events(datetime.now(UTC), DEVICES[0], FIRST - 100, 3))
    assert count(stored, SENT) == GOOD
