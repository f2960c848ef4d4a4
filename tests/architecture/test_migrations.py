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


def test_migrations_agree_with_their_checksums() -> None:
    check_checksums()


def test_migrating_twice_changes_nothing(dsn: str) -> None:
    assert migrate(dsn) == []


@pytest.mark.parametrize("file", QUERY_FILES, ids=str)
def test_every_named_query_prepares(file: Path, conn: psycopg.Connection) -> None:
    package = ".".join(file.parent.parts)
    assert resources.files(package).joinpath(file.name).is_file()
    queries = sql.load(package, file.name)
    assert queries
    for name, query in queries.items():
        numbered = re.sub(r"%\((\w+)\)s", "NULL", query).replace("%%", "%")
        if re.match(r"(?i)(COPY|CREATE|LISTEN|TRUNCATE|SET|LOCK)\b", numbered):
            continue
        try:
            conn.execute(f"EXPLAIN {numbered}")
        except psycopg.errors.UndefinedTable as error:
            # a staging table that the code makes itself, for its session
            assert "staging" in str(error), f"{file}:{name}: {error}"
        except (psycopg.errors.IndeterminateDatatype, psycopg.errors.AmbiguousFunction) as error:
            pytest.fail(f"{file}:{name}: {error}")
