"""The move to TimescaleDB: while rows arrive, aborted anywhere, nothing lost, nothing doubled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Self

import psycopg
import pytest

from core.database import Connection, connect
from core.errors import ConfigurationError, Conflict, DatabaseAway
from ingest.storage import adoption, rollups
from ingest.storage.adoption import Adoption
from ingest.storage.compaction import compact
from ingest.storage.engine import Engine, engine
from ingest.storage.inspection import inspect
from ingest.storage.partitions import make_partitions
from ingest.storage.retention import Retention, retain
from tests.conftest import NOON, PostgresServer
from tests.integration.storage.conftest import (
    NO_EXTENSION,
    PLAIN,
    ask,
    copy,
    has_extension,
    one,
    put,
    row,
)

pytestmark = [pytest.mark.integration]

ALL = "SELECT household_id, at, device_id, seq, source, data::text FROM events ORDER BY 1, 2, 3, 4"
DAYS = "SELECT household_id, day, type, n, first_at, last_at FROM household_days ORDER BY 1, 2, 3"
STEPS = 8


@pytest.fixture
def plain(
    postgres_server: PostgresServer, plain_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection]:
    """A plain database with a month of rows, on a server that has the extension."""
    if not has_extension(postgres_server):
        pytest.skip(NO_EXTENSION)
    monkeypatch.setattr(adoption, "BLOCKS_A_STEP", 2)
    monkeypatch.setattr(adoption, "PAUSE_S", 0.05)
    monkeypatch.setattr(adoption, "GUARD_S", 0.3)
    with connect(plain_dsn, autocommit=True) as conn:
        make_partitions(conn, NOON)
        copy(
            conn,
            [row(n, NOON - n * timedelta(hours=1), home=f"home-{n % 5}") for n in range(700)],
        )
        yield conn


class Writer:
    """Ingest going on: new rows of now, late ones, and redeliveries, on both roads."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._stop = threading.Event()
        self.stored: list[int] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        seq = 100_000
        with connect(self._dsn, autocommit=True) as conn:
            while not self._stop.is_set():
                seq += 3
                late = NOON - timedelta(hours=seq % 700, minutes=7)
                rows = [row(seq), row(seq + 1, late, home="home-late")]
                try:
                    copy(conn, rows)
                except psycopg.errors.LockNotAvailable:  # in the swap: again, as a lane does
                    copy(conn, rows)
                put(conn, [*rows, row(seq + 2, late), row(5, NOON - timedelta(hours=5))])
                self.stored += [seq, seq + 1, seq + 2]


def adopt(conn: Connection, tell=lambda _text: None) -> int:  # type: ignore[no-untyped-def]
    return Adoption(conn, now=NOON, tell=tell, patience_s=30).run()


@pytest.mark.timescale
def test_nothing_changes_but_the_store(plain: Connection) -> None:
    rollups.refresh(plain, NOON)
    before, days = ask(plain, ALL), ask(plain, DAYS)
    assert adopt(plain) == 700
    assert engine(plain) is Engine.TIMESCALE
    assert ask(plain, ALL) == before
    assert ask(plain, DAYS) == days
    assert put(plain, [row(5, NOON - timedelta(hours=5), home="home-0")]) == 0, "same identity"
    late = row(9_000, NOON - timedelta(days=9))
    assert put(plain, [late]) == 1
    rollups.recount(plain, NOON)
    compact(plain, NOON + timedelta(days=50))
    assert adopt(plain) == 701, "done is done"
    tables = ask(plain, "SELECT tablename FROM pg_tables WHERE tablename ~ '^events_'")
    assert tables == []
    assert sorted(name for (name,) in ask(
        plain, "SELECT indexname FROM pg_indexes WHERE tablename = 'events'"
    )) == ["events_arrival", "events_identity"]  # fmt: skip


class Aborted(Exception):  # noqa: N818
    pass


@pytest.mark.timescale
def test_aborted_after_every_step_it_goes_on_while_rows_arrive(
    plain: Connection, plain_dsn: str
) -> None:
    plain.close()
    told: list[str] = []

    def tell(text: str) -> None:
        step = "both hold" if text.startswith("both hold") else text
        if step not in told and not text.startswith("waits"):
            told.append(step)
            raise Aborted

    with Writer(plain_dsn) as writer:
        for _ in range(40):
            with connect(plain_dsn, autocommit=True) as conn:
                try:
                    adopt(conn, tell)
                except Aborted:
                    continue
                break
    assert len(told) >= STEPS, told
    with connect(plain_dsn, autocommit=True) as conn:
        assert engine(conn) is Engine.TIMESCALE
        found = [seq for (seq,) in ask(conn, "SELECT seq FROM events ORDER BY seq")]
        # row 5 of home-1 is another one than that of home-0
        assert found == sorted([*range(700), 5, *writer.stored])
        rollups.recount(conn, NOON)
        assert one(conn, "SELECT sum(n)::bigint FROM household_days") == len(found)


@pytest.mark.timescale
def test_an_unfinished_move_is_said_until_it_is_done(plain: Connection) -> None:
    assert not inspect(plain, NOON).adopting
    for step in ("hypertable made", "both hold", "swapped", "the old table is gone"):

        def tell(text: str, step: str = step) -> None:
            if text.startswith(step):
                raise Aborted

        with pytest.raises(Aborted):
            adopt(plain, tell)
        assert inspect(plain, NOON).adopting, step
    adopt(plain)
    assert not inspect(plain, NOON).adopting


@pytest.mark.timescale
def test_killed_in_the_middle_of_the_copy_it_goes_on(plain: Connection, plain_dsn: str) -> None:
    with connect(plain_dsn, autocommit=True) as conn:
        pid = one(conn, "SELECT pg_backend_pid()")

        def kill(text: str) -> None:
            if text.startswith("copied"):
                plain.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

        with pytest.raises(DatabaseAway):
            adopt(conn, kill)
    assert one(plain, "SELECT count(*) FROM storage_adoption WHERE next_block >= blocks") > 0
    assert adopt(plain) == 700


@pytest.mark.timescale
def test_a_long_transaction_delays_the_swap_and_the_swap_nobody(
    plain: Connection, plain_dsn: str
) -> None:
    waits: list[str] = []
    with connect(plain_dsn) as reader, connect(plain_dsn, autocommit=True) as writer:

        def tell(text: str) -> None:
            if text.startswith("both hold"):
                reader.execute("SELECT count(*) FROM events")
            if text.startswith("waits"):
                waits.append(text)
                assert put(writer, [row(9_000 + len(waits))]) == 1
                if len(waits) == 1:
                    reader.rollback()

        adopt(plain, tell)
    assert waits
    assert one(plain, "SELECT count(*) FROM events") == 700 + len(waits)


@pytest.mark.timescale
def test_who_waits_in_the_swap_is_stored_in_the_hypertable_or_told(
    plain: Connection, plain_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A COPY that met the lock would go on past the extension, into rows that nobody sees."""
    stored: list[int] = []
    refused: list[int] = []
    roads = {9_001: copy, 9_002: put, 9_003: put}
    conns = {seq: connect(plain_dsn, autocommit=True) for seq in roads}
    for n in range(10):  # so that the driver has prepared the statement
        put(conns[9_003], [row(8_000 + n)])

    def write(seq: int) -> None:
        try:
            roads[seq](conns[seq], [row(seq)])
            stored.append(seq)
        except psycopg.errors.LockNotAvailable:
            refused.append(seq)

    threads = [threading.Thread(target=write, args=(seq,)) for seq in roads]
    keep_archive = Adoption._keep_archive

    def and_meanwhile(self: Adoption, rollup: rollups.Rollup) -> None:
        keep_archive(self, rollup)
        if rollup is rollups.FLEET_HOURS:
            for thread in threads:
                thread.start()
            while one(plain, "SELECT count(*) FROM pg_locks WHERE NOT granted") < len(roads):
                threading.Event().wait(0.02)

    monkeypatch.setattr(Adoption, "_keep_archive", and_meanwhile)
    with connect(plain_dsn, autocommit=True) as conn:
        adopt(conn)
    for thread in threads:
        thread.join(20)
    assert sorted(stored + refused) == list(roads)
    found = ask(plain, "SELECT seq FROM events WHERE seq > 9000 ORDER BY seq")
    assert found == [(seq,) for seq in sorted(stored)]
    assert one(plain, "SELECT pg_relation_size('events')") == 0
    assert one(plain, "SELECT count(*) FROM pg_trigger WHERE tgname = 'events_guard'") == 0
    for conn in conns.values():
        conn.close()


@pytest.mark.timescale
def test_what_was_counted_of_rows_long_dropped_is_kept(plain: Connection) -> None:
    old = NOON - timedelta(days=400)
    make_partitions(plain, old)
    put(plain, [row(9_000, old)])
    rollups.refresh(plain, NOON)
    retain(plain, NOON, Retention(keep_events_d=365, keep_rollups_d=1096, keep_rejected_d=30))
    days, hours = ask(plain, DAYS), one(plain, "SELECT sum(n)::bigint FROM fleet_hours")
    assert hours == 701
    adopt(plain)
    assert ask(plain, DAYS) == days
    assert one(plain, "SELECT sum(n)::bigint FROM fleet_hours") == 701
    rollups.recount(plain, NOON + timedelta(days=1))
    assert ask(plain, DAYS) == days


@pytest.mark.timescale
def test_given_up_before_the_swap_nothing_has_changed(plain: Connection) -> None:
    before = ask(plain, ALL)

    def tell(text: str) -> None:
        if text.startswith("both hold"):
            raise Aborted

    with pytest.raises(Aborted):
        adopt(plain, tell)
    Adoption(plain, now=NOON, tell=lambda _: None).abandon()
    assert put(plain, [row(9_000)]) == 1
    assert engine(plain) is Engine.PLAIN
    assert len(ask(plain, ALL)) == len(before) + 1
    assert adopt(plain) == 701
    with pytest.raises(Conflict, match="no way back"):
        Adoption(plain, now=NOON, tell=lambda _: None).abandon()


@pytest.mark.timescale
def test_two_moves_at_once_are_one(plain: Connection, plain_dsn: str) -> None:
    with connect(plain_dsn, autocommit=True) as second:

        def tell(text: str) -> None:
            with pytest.raises(Conflict, match="at work"):
                Adoption(second, now=NOON, tell=lambda _: None, patience_s=0.05).run()
            raise Aborted

        with pytest.raises(Aborted):
            adopt(plain, tell)


def test_a_server_without_the_extension_is_told_so(
    postgres_server: PostgresServer, store: Connection, kind: str
) -> None:
    if kind != PLAIN or has_extension(postgres_server):
        pytest.skip("this server has TimescaleDB")
    with pytest.raises(ConfigurationError, match="shared_preload_libraries"):
        adopt(store)
    assert put(store, [row(1)]) == 1
