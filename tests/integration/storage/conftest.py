"""Both stores from one server: the same tests on native partitions and on TimescaleDB."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from core.database import Connection, connect
from core.migrate import migrate
from ingest.storage.partitions import make_partitions
from tests.conftest import NOON, OWNER, PostgresServer

PLAIN, TIMESCALE = "plain", "timescale"
NO_EXTENSION = "no TimescaleDB here: set DOORGUARD_POSTGRES_PREFIX, or start Docker"


def has_extension(server: PostgresServer) -> bool:
    with server.admin() as conn:
        found = conn.execute(
            "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'"
        ).fetchall()
    return bool(found)


def make_empty(server: PostgresServer, *, template: str | None = None) -> tuple[str, str]:
    """Return name and DSN of a new database of the product's role."""
    name = f"store_{secrets.token_hex(6)}"
    copy = sql.SQL("TEMPLATE {}").format(sql.Identifier(template or "template0"))
    with server.admin() as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} {} OWNER {}").format(
                sql.Identifier(name), copy, sql.Identifier(OWNER)
            )
        )
    return name, server._dsn_of(name, OWNER)


def migrate_as_without_extension(server: PostgresServer, name: str, dsn: str) -> None:
    """Migrate as on a server without TimescaleDB: the schema asks a view, which is hidden."""
    hide = sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog")
    with server.admin() as admin:
        admin.execute(hide.format(sql.Identifier(name)))
        with connect(dsn, autocommit=True) as conn:
            conn.execute(
                "CREATE VIEW public.pg_available_extensions AS "
                "SELECT * FROM pg_catalog.pg_available_extensions WHERE false"
            )
        migrate(dsn)
        admin.execute(sql.SQL("ALTER DATABASE {} RESET search_path").format(sql.Identifier(name)))
    with connect(dsn, autocommit=True) as conn:
        conn.execute("DROP VIEW public.pg_available_extensions")


@pytest.fixture(scope="session")
def plain_template(postgres_server: PostgresServer) -> Iterator[str | None]:
    """A migrated database on native partitions, to copy; None where every database is one."""
    if not has_extension(postgres_server):
        yield None
        return
    name, dsn = make_empty(postgres_server)
    migrate_as_without_extension(postgres_server, name, dsn)
    with postgres_server.admin() as conn:  # Timescale's launcher would look in
        conn.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )
    yield name
    postgres_server.drop(dsn)


@pytest.fixture
def plain_dsn(postgres_server: PostgresServer, plain_template: str | None) -> Iterator[str]:
    """A migrated database on native partitions."""
    if plain_template is None:
        made = postgres_server.clone()
    else:
        _, made = make_empty(postgres_server, template=plain_template)
    yield made
    postgres_server.drop(made)


@pytest.fixture(params=[PLAIN, pytest.param(TIMESCALE, marks=pytest.mark.timescale)])
def kind(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> str:
    if request.param == TIMESCALE and not has_extension(postgres_server):
        pytest.skip(NO_EXTENSION)
    return str(request.param)


@pytest.fixture
def store_dsn(kind: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("plain_dsn" if kind == PLAIN else "dsn"))


@pytest.fixture
def store(store_dsn: str) -> Iterator[Connection]:
    """An autocommit connection to one store, with room around noon."""
    with connect(store_dsn, autocommit=True, application="test") as conn:
        make_partitions(conn, NOON)
        yield conn


@pytest.fixture
def timescale(postgres_server: PostgresServer, dsn: str) -> Iterator[Connection]:
    """Like `store`, where only TimescaleDB will do."""
    if not has_extension(postgres_server):
        pytest.skip(NO_EXTENSION)
    with connect(dsn, autocommit=True, application="test") as conn:
        make_partitions(conn, NOON)
        yield conn


def row(
    seq: int,
    at: datetime = NOON,
    *,
    home: str = "home-1",
    type_: str = "door.opened",
    late: timedelta = timedelta(seconds=1),
) -> tuple[Any, ...]:
    """A row of `events`, received so much `late`."""
    return (home, at, f"camera-{home}", seq, "device", type_, at + late, None, False, "{}")


def put(conn: Connection, rows: list[tuple[Any, ...]]) -> int:
    """Store by the road for duplicates; return how many were new."""
    with conn.transaction(), conn.cursor() as cursor:
        new = 0
        for one in rows:
            cursor.execute(
                "INSERT INTO events (household_id, at, device_id, seq, source, type, received_at,"
                " reported_at, clock_off, data)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                one,
            )
            new += cursor.rowcount
    return new


def copy(conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Store by the straight road; a duplicate fails the whole of it."""
    with conn.cursor() as cursor, cursor.copy("COPY events FROM STDIN") as road:
        for one in rows:
            road.write_row(one)


def one(conn: Connection, query: str, *args: Any) -> Any:
    """The single value of a query."""
    found = conn.execute(query, args).fetchone()
    assert found is not None
    return next(iter(found.values()))


def ask(conn: Connection, query: str, *args: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as tuples."""
    return [tuple(found.values()) for found in conn.execute(query, args).fetchall()]
