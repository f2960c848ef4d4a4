"""Fixtures every kind of test may use: a manual clock, the embedded database, cloned per test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app.embedded.ports import free_port
from app.embedded.postgres import EmbeddedPostgres
from core.clock import SystemClock
from core.database import Connection, Database, connect
from core.migrate import migrate
from core.supervisor import Supervisor

for name in [key for key in os.environ if key.startswith("DOORGUARD_")]:
    if name not in {"DOORGUARD_POSTGRES_PREFIX", "DOORGUARD_FOOTAGE"}:
        os.environ.pop(name)

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # noon in Seoul


class ManualClock:
    """A clock that stands still until told to move."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic_s = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class PostgresServer:
    """The session's embedded server, with one migrated template database."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.template = "doorguard"

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.server.dsn("postgres", "postgres"), autocommit=True)

    def clone(self) -> str:
        """Return the DSN of a fresh copy of the template."""
        name = f"test_{secrets.token_hex(6)}"
        with self.admin() as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER doorguard").format(
                    sql.Identifier(name), sql.Identifier(self.template)
                )
            )
        return self.server.dsn(name)

    def drop(self, dsn: str) -> None:
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        with self.admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder of the session that every account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="doorguard-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[PostgresServer]:
    server = EmbeddedPostgres(
        scratch / "db",
        port=free_port(),
        password=secrets.token_urlsafe(),
        reachable=scratch,
        durable=False,
    )
    supervisor = Supervisor(SystemClock(), lambda _name, _line: None)
    supervisor.add(server.prepare())
    poll = threading.Event()
    for _ in range(600):
        if server.ready():
            break
        poll.wait(0.05)
    server.make_database()
    migrate(server.dsn())
    yield PostgresServer(server)
    supervisor.stop()


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """The DSN of a migrated, empty database of this test's own."""
    made = postgres_server.clone()
    yield made
    postgres_server.drop(made)


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    pool = Database(dsn, application="test")
    pool.open()
    yield pool
    pool.close()


@pytest.fixture
def conn(dsn: str) -> Iterator[Connection]:
    """An autocommit connection to this test's database."""
    with connect(dsn, autocommit=True, application="test") as connection:
        yield connection


@pytest.fixture(scope="session")
def footage() -> Path:
    """The folder of real video, or a skip with the reason."""
    default = Path(__file__).parents[2] / "shared" / "footage"
    folder = Path(os.environ.get("DOORGUARD_FOOTAGE", default))
    if not (folder / "truth.json").exists():
        pytest.skip(f"no footage in {folder}; set DOORGUARD_FOOTAGE")
    return folder
