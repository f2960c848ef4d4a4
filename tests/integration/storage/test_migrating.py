"""Migrations while the tables are in use: give way, try again, and are whole or not there."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from core import migrate as migrating
from core.database import Connection, connect
from core.errors import Contended, DatabaseAway
from core.migrate import migrate, pending
from tests.integration.storage.conftest import one, put, row

pytestmark = pytest.mark.integration

NEXT = "9001_next"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations there are, and room for one more."""
    for file in migrating.migrations_folder().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(migrating, "migrations_folder", lambda: tmp_path)
    monkeypatch.setattr(migrating, "PAUSE_S", 0.1)
    return tmp_path


def land(folder: Path, text: str, name: str = NEXT) -> None:
    file = folder / f"{name}.sql"
    file.write_text(text, encoding="utf-8")
    sums = folder / "checksums.txt"
    sums.write_text(
        sums.read_text(encoding="utf-8") + f"{migrating.digest(file)}  {file.name}\n",
        encoding="utf-8",
    )


def test_a_blocker_is_named_and_waited_for_and_stops_nobody(
    store: Connection, store_dsn: str, folder: Path
) -> None:
    land(folder, "ALTER TABLE events ADD COLUMN extra text; ALTER TABLE devices ADD extra text")
    told: list[str] = []
    with psycopg.connect(store_dsn, application_name="somebody") as blocker:
        blocker.execute("SELECT count(*) FROM events")

        def tell(text: str) -> None:
            told.append(text)
            put(store, [row(len(told))])  # between two tries everybody gets through
            if len(told) == 1:
                blocker.rollback()

        assert migrate(store_dsn, tell=tell) == [NEXT]
    assert len(told) == 1
    assert NEXT in told[0]
    assert "somebody, idle in transaction" in told[0]
    assert pending(store) == []


def test_it_gives_up_with_the_reason_and_nothing_has_changed(
    store: Connection, store_dsn: str, folder: Path
) -> None:
    land(folder, "CREATE TABLE half (); ALTER TABLE events ADD COLUMN extra text")
    with psycopg.connect(store_dsn) as blocker:
        blocker.execute("SELECT count(*) FROM events")
        with pytest.raises(Contended, match=f"gave up after 0 s: {NEXT}"):
            migrate(store_dsn, patience_s=0)
        blocker.rollback()
    assert one(store, "SELECT to_regclass('half')") is None
    assert pending(store) == [NEXT]
    assert migrate(store_dsn) == [NEXT]


def test_writers_go_on_during_a_migration(store_dsn: str, folder: Path) -> None:
    land(folder, "ALTER TABLE events ADD COLUMN extra text")
    stop, stored = threading.Event(), []

    def write() -> None:
        with connect(store_dsn, autocommit=True) as conn:
            while not stop.is_set():
                stored.append(put(conn, [row(len(stored))]))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert migrate(store_dsn) == [NEXT]
    finally:
        stop.set()
        writer.join(20)
    with connect(store_dsn, autocommit=True) as conn:
        assert one(conn, "SELECT count(*) FROM events") == sum(stored) == len(stored)


def test_killed_in_the_middle_it_is_not_there(
    store: Connection, store_dsn: str, folder: Path
) -> None:
    land(folder, "CREATE TABLE half (); SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseAway):
        migrate(store_dsn)
    assert one(store, "SELECT to_regclass('half')") is None
    assert pending(store) == [NEXT]


def test_two_at_once_apply_it_once(store_dsn: str, folder: Path) -> None:
    land(folder, "SELECT pg_sleep(0.3); CREATE TABLE whole ()")
    applied: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: applied.append(migrate(store_dsn))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(applied) == [[], [], [NEXT]]


def test_an_error_in_a_migration_is_no_reason_to_try_again(
    store: Connection, store_dsn: str, folder: Path
) -> None:
    land(folder, "CREATE TABLE half (); SELECT nonsense")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrate(store_dsn)
    assert one(store, "SELECT to_regclass('half')") is None
