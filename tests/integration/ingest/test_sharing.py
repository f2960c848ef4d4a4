"""Workers that join, leave and die: every event once, in order per device, nobody in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.processes import sharing
from app.processes.switching import Switch
from core.database import Connection
from core.errors import DatabaseAway
from core.settings import Settings
from ingest.sharing import layout
from ingest.sharing.locks import IDLE_S
from tests.conftest import PostgresServer
from tests.integration.ingest.sharing import (
    RESUME_S,
    Fleet,
    Ingest,
    check,
    eventually,
    install,
    nats,
    settle_in,
    stored,
)

WHOLE = {"shares": 1, "preparing": None, "retiring": None}
DIVIDED = {"shares": layout.DIVIDED, "preparing": None, "retiring": None}


@pytest.fixture
def broker_port(tmp_path: Path) -> Iterator[int]:
    with nats(tmp_path) as port:
        yield port


@pytest.fixture
def settings(conn: Connection, dsn: str, broker_port: int, tmp_path: Path) -> Settings:
    return install(conn, dsn, broker_port, tmp_path)


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], Ingest]]:
    running: list[Ingest] = []
    with pytest.MonkeyPatch.context() as quick:  # a test may undo its own
        quick.setattr(sharing, "RESUME_S", RESUME_S)
        yield from _begin(settings, running)


def _begin(settings: Settings, running: list[Ingest]) -> Iterator[Callable[[], Ingest]]:

    def begin() -> Ingest:
        running.append(Ingest(settings))
        return running[-1]

    yield begin
    for one in running:
        if one.worker._thread.is_alive():
            one.stop()


def row(conn: Connection) -> dict[str, Any]:
    found = conn.execute("SELECT shares, preparing, retiring FROM event_lane_layout").fetchone()
    assert found is not None
    return found


def test_one_alone_reads_everything_in_one_session(
    start: Callable[[], Ingest], conn: Connection, broker_port: int
) -> None:
    only = start()
    assert settle_in([only]) == [64]
    assert only.figures()["shares"] == [0]
    with Fleet(broker_port) as fleet:
        eventually(lambda: stored(conn) > 100)
    check(conn, fleet.stop())
    assert row(conn) == WHOLE


def test_a_second_joins_dies_and_joins_again(
    start: Callable[[], Ingest], conn: Connection, broker_port: int
) -> None:
    first = start()
    settle_in([first])
    with Fleet(broker_port) as fleet:
        eventually(lambda: stored(conn) > 100)
        second = start()
        eventually(lambda: settle_in([first, second]) == [32, 32], 30)
        eventually(lambda: row(conn) == DIVIDED)
        before = stored(conn)
        eventually(lambda: stored(conn) > before + 400)
        second.die()
        assert settle_in([first], 3.0) == [64], "claimed well within 10 s"
        third = start()
        eventually(lambda: settle_in([first, third]) == [32, 32], 30)
        first.stop()
        assert settle_in([third]) == [64]
    check(conn, fleet.stop())


def test_the_last_one_alone_makes_it_whole_again(
    start: Callable[[], Ingest],
    conn: Connection,
    broker_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conn.execute("UPDATE event_lane_layout SET shares = %s", (layout.DIVIDED,))
    only = start()
    assert settle_in([only]) == [64]
    with Fleet(broker_port) as fleet:
        eventually(lambda: stored(conn) > 100)
        monkeypatch.setattr(layout, "MERGE_AFTER_S", 1.0)
        eventually(lambda: row(conn) == WHOLE, 30)
        assert settle_in([only]) == [64]
        assert only.figures()["shares"] == [0]
    check(conn, fleet.stop())


@pytest.mark.parametrize("stage", ["made", "marked", "in force", "deleted"])
def test_a_worker_killed_in_a_switch_leaves_it_to_the_next(
    start: Callable[[], Ingest],
    conn: Connection,
    broker_port: int,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    first = start()
    settle_in([first])
    reached = threading.Event()

    def stop_here(*_: object) -> bool:
        reached.set()
        first.worker._stop.set()  # its thread ends before it does anything else
        raise DatabaseAway("killed")

    with Fleet(broker_port) as fleet:
        eventually(lambda: stored(conn) > 100)
        match stage:
            case "made":
                monkeypatch.setattr(Switch, "_mark", stop_here)
            case "marked":
                monkeypatch.setattr(first.locks, "switch", stop_here)
            case "in force":
                monkeypatch.setattr(first.worker, "_forget", stop_here)
            case _:
                monkeypatch.setattr(first.locks, "retired", stop_here)
        second = start()
        assert reached.wait(20)
        first.die()
        monkeypatch.undo()
        settle_in([second])
        if stage in {"made", "marked"}:
            eventually(lambda: row(conn) == WHOLE, 20)  # wanted no more: what was made is deleted
            assert second.figures()["layout"] == 1
            third = start()
            eventually(lambda: settle_in([second, third]) == [32, 32], 30)
        eventually(lambda: row(conn) == DIVIDED, 20)
    check(conn, fleet.stop())


def test_the_database_away_stops_everybody_and_nothing_is_lost(
    start: Callable[[], Ingest],
    conn: Connection,
    broker_port: int,
    postgres_server: PostgresServer,
) -> None:
    workers = [start(), start()]
    settle_in(workers)
    name = conn.info.dbname
    with Fleet(broker_port) as fleet:
        eventually(lambda: stored(conn) > 100)
        with postgres_server.admin() as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND application_name LIKE ANY (%s)",
                (name, ["doorguard-shares", "test-worker"]),
            )
            eventually(lambda: [one.figures()["partitions"] for one in workers] == [0, 0], 5)
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        eventually(lambda: settle_in(workers) == [32, 32], 30)
    check(conn, fleet.stop())


def test_a_worker_that_lost_its_lock_unawares_passes_nothing_on(
    start: Callable[[], Ingest],
    conn: Connection,
    broker_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Paused, or cut off from the database: the server ends its connection, others take over."""
    first = start()
    settle_in([first])
    paused = threading.Event()
    monkeypatch.setattr(first.worker, "_tick", lambda _now_s: float(not paused.wait(60)))
    with Fleet(broker_port) as fleet:
        second = start()
        eventually(lambda: second.figures()["partitions"] == 64, IDLE_S + 5.0)
        assert not first.locks.lease_holds()
        before = first.lane.figures()["stored"]
        eventually(lambda: second.lane.figures()["stored"] > 0, 15)
        assert first.lane.figures()["stored"] == before
        paused.set()
        monkeypatch.undo()
        eventually(lambda: first.figures()["workers"] == 2, 20)
        settle_in([first, second])
    check(conn, fleet.stop())
