"""Fixtures every kind of test may use: a manual clock, the embedded database, cloned per test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import docker.errors
import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from testcontainers.community.postgres import PostgresContainer

from app.embedded.ports import free_port
from app.embedded.postgres import NAME as POSTGRES
from app.embedded.postgres import EmbeddedPostgres, make_database
from core.clock import SystemClock
from core.database import Connection, Database, connect
from core.migrate import migrate
from core.supervisor import Supervisor

for name in [key for key in os.environ if key.startswith("DOORGUARD_")]:
    if name not in {"DOORGUARD_POSTGRES_PREFIX", "DOORGUARD_FOOTAGE"}:
        os.environ.pop(name)

# how long an example takes says something about the machine, not about the code
hypothesis_settings.register_profile(
    "doorguard", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("doorguard")

TEMPLATE = OWNER = "doorguard"
TIMESCALE_IMAGE = "timescale/timescaledb:2.29.2-pg18"
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
    """The session's server, with one migrated template database.

    `dsn_of(database, user)` gives connection strings; the superuser is `postgres`.
    """

    def __init__(self, dsn_of: Callable[[str, str], str]) -> None:
        self._dsn_of = dsn_of
        migrate(dsn_of(TEMPLATE, OWNER))
        with self.admin() as conn:  # nobody may use a template, Timescale's workers least
            conn.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(
                    sql.Identifier(TEMPLATE)
                )
            )
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (TEMPLATE,),
            )

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self._dsn_of("postgres", "postgres"), autocommit=True)

    def clone(self) -> str:
        """Return the DSN of a fresh copy of the template."""
        name = f"test_{secrets.token_hex(6)}"
        with self.admin() as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    *map(sql.Identifier, (name, TEMPLATE, OWNER))
                )
            )
        return self._dsn_of(name, OWNER)

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


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[PostgresServer]:
    """The server from the wheel, which also is the product's own."""
    server = EmbeddedPostgres(
        folder / "db",
        port=free_port(),
        password=secrets.token_urlsafe(),
        superuser_password=secrets.token_urlsafe(),
        reachable=folder,
        identity="test",
        durable=False,
    )
    supervisor = Supervisor(SystemClock(), lambda _name, _line: None)
    supervisor.add(server.prepare())
    poll = threading.Event()
    for _ in range(600):
        if server.ready(supervisor.pid(POSTGRES)):
            break
        poll.wait(0.05)
    server.make_database()
    yield PostgresServer(server.dsn)
    supervisor.stop()


@contextmanager
def timescale_container() -> Iterator[PostgresServer]:
    """TimescaleDB in a container, where a Docker engine answers."""
    password = secrets.token_urlsafe()
    container = PostgresContainer(
        TIMESCALE_IMAGE, username="postgres", password=password, dbname="postgres", driver=None
    )
    with container:

        def dsn_of(database: str, user: str) -> str:
            return psycopg.conninfo.make_conninfo(
                host=container.get_container_host_ip(),
                port=container.get_exposed_port(5432),
                dbname=database,
                user=user,
                password=password,
            )

        make_database(dsn_of("postgres", "postgres"), password)
        yield PostgresServer(dsn_of)


def docker_answers() -> bool:
    """Say whether a Docker engine runs here."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False
    try:
        client = docker.from_env(timeout=3)
    except docker.errors.DockerException:
        return False
    client.close()
    return True


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[PostgresServer]:
    """TimescaleDB by testcontainers where Docker answers, else the embedded server.

    `DOORGUARD_POSTGRES_PREFIX` names an installation to use instead of either.
    """
    in_container = "DOORGUARD_POSTGRES_PREFIX" not in os.environ and docker_answers()
    with timescale_container() if in_container else embedded_postgres(scratch) as server:
        yield server


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
