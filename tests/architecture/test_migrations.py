"""Migrations: recorded, unchanged, repeatable; every named query fits the schema they make."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from core import sql
from core.migrate import check_checksums, migrate

ROOT = Path(__file__).parents[2]
QUERY_FILES = sorted(
    path.relative_to(ROOT)
    for room in ("core", "gateway", "ingest", "alerts", "households", "app")
    for path in (ROOT / room).rglob("*.sql")
    if "migrations" not in path.parts
)
# statements that EXPLAIN does not take
UTILITY = re.compile(r"(?i)(ALTER|CALL|COPY|CREATE|DROP|LISTEN|LOCK|SET|TRUNCATE|VACUUM)\b")
# what the code makes itself: staging for its session, tables of a move or of another tool's record
MADE_BY_CODE = re.compile(r"staging|events_adopted|_yoyo_migration")


def test_migrations_agree_with_their_checksums() -> None:
    check_checksums()


def test_migrating_twice_changes_nothing(dsn: str) -> None:
    assert migrate(dsn) == []


@pytest.mark.parametrize("file", QUERY_FILES, ids=str)
def test_every_named_query_prepares(file: Path, conn: psycopg.Connection) -> None:
    if file.name == "timescale.sql":
        installed = "SELECT FROM pg_extension WHERE extname = 'timescaledb'"
        if not conn.execute(installed).fetchall():
            pytest.skip("no TimescaleDB here: set DOORGUARD_POSTGRES_PREFIX, or start Docker")
    package = ".".join(file.parent.parts)
    assert resources.files(package).joinpath(file.name).is_file()
    queries = sql.load(package, file.name)
    assert queries
    for name, query in queries.items():
        numbered = re.sub(r"%\((\w+)\)s", "NULL", query).replace("%%", "%")
        numbered = numbered.replace("{partition}", "events")
        if UTILITY.match(re.sub(r"^(--.*\n)+", "", numbered)):
            continue
        try:
            conn.execute(f"EXPLAIN {numbered}")
        except psycopg.errors.UndefinedTable as error:
            assert MADE_BY_CODE.search(str(error)), f"{file}:{name}: {error}"
        except (psycopg.errors.IndeterminateDatatype, psycopg.errors.AmbiguousFunction) as error:
            pytest.fail(f"{file}:{name}: {error}")
