"""Each kind of data goes at its own limit, events by whole chunks, and none too early."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from core.database import Connection
from core.errors import ConfigurationError, Contended
from ingest.storage import retention, rollups
from ingest.storage.engine import BACKLOG
from ingest.storage.partitions import make_partitions
from ingest.storage.retention import Retention, load_retention, retain
from tests.conftest import NOON
from tests.integration.storage.conftest import PLAIN, ask, one, put, row

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
KEEP = Retention(keep_events_d=365, keep_rollups_d=1096, keep_rejected_d=30)


def test_events_go_by_the_chunk_and_their_counts_stay(store: Connection) -> None:
    for days in (400, 365, 350, 0):
        make_partitions(store, NOON - days * DAY)
    put(store, [row(n, NOON - days * DAY) for n, days in enumerate((400, 366, 364, 1))])
    rollups.refresh(store, NOON)
    before = ask(store, "SELECT day, n FROM household_days ORDER BY day")
    assert len(before) == 4
    dropped = retain(store, NOON, KEEP)
    assert dropped
    left = ask(store, "SELECT seq FROM events ORDER BY seq")
    # the chunk that still holds a row within the limit stays whole
    assert left in ([(1,), (2,), (3,)], [(2,), (3,)])
    assert retain(store, NOON, KEEP) == []
    rollups.recount(store, NOON + DAY)
    assert ask(store, "SELECT day, n FROM household_days ORDER BY day") == before


def test_counts_go_after_three_years(store: Connection) -> None:
    old = NOON - 1300 * DAY
    make_partitions(store, old)
    put(store, [row(1, old), row(2, NOON - DAY)])
    rollups.refresh(store, NOON)
    retain(store, NOON, KEEP)
    assert one(store, "SELECT count(*) FROM household_days") == 1
    assert one(store, "SELECT count(*) FROM fleet_hours") == 1


def test_placements_and_rejects_at_their_limits(store: Connection) -> None:
    for seq, days in enumerate((366, 364)):
        store.execute(
            "INSERT INTO event_placements VALUES ('d', 'device', %s, now(), %s)",
            (seq, NOON - days * DAY),
        )
    for days in (31, 29):
        store.execute(
            "INSERT INTO rejected_messages (received_at, lane, topic, reason, size_bytes, payload)"
            " VALUES (%s, 'event', 't', 'r', 0, '')",
            (NOON - days * DAY,),
        )
    retain(store, NOON, KEEP)
    assert ask(store, "SELECT seq FROM event_placements") == [(1,)]
    assert ask(store, "SELECT received_at FROM rejected_messages") == [(NOON - 29 * DAY,)]


def test_a_reader_delays_a_drop_and_the_drop_delays_nobody(
    store: Connection, store_dsn: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind != PLAIN:
        pytest.skip("the extension drops chunks by itself")
    monkeypatch.setattr(retention, "_TRIES", 1)
    make_partitions(store, NOON - 400 * DAY)
    with psycopg.connect(store_dsn) as reader:
        reader.execute("SELECT count(*) FROM events")
        with pytest.raises(Contended):
            retain(store, NOON, KEEP)
        put(store, [row(1)])
        reader.rollback()
    assert retain(store, NOON, KEEP)


def test_limits_below_the_backlog_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORGUARD_KEEP_EVENTS_D", str(BACKLOG.days + 4))
    assert load_retention().keep_events_d == 40
    monkeypatch.setenv("DOORGUARD_KEEP_EVENTS_D", str(BACKLOG.days + 3))
    with pytest.raises(ConfigurationError, match="DOORGUARD_KEEP_EVENTS_D"):
        load_retention()
