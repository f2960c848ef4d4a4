"""Bring a database to the newest schema.

yoyo applies and remembers; `checksums.txt` holds the SHA-256 of every landed migration, and a file
that no longer agrees with it is refused before anything is touched.
"""

from __future__ import annotations

import hashlib
import warnings
from importlib import resources
from pathlib import Path

import yoyo
import yoyo.connections
from psycopg.conninfo import conninfo_to_dict
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from core.database import connect, translated
from core.errors import ConfigurationError

_LOCK = 0x646F6F72  # "door": one migrator at a time


def migrations_folder() -> Path:
    """Return the folder of the `.sql` files, also from an installed wheel."""
    return Path(str(resources.files("core").joinpath("migrations")))


def checksums() -> dict[str, str]:
    """Return the recorded SHA-256 of each landed migration, by file name."""
    lines = (migrations_folder() / "checksums.txt").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def digest(file: Path) -> str:
    """Return the SHA-256 of a migration, as `checksums.txt` records it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def check_checksums() -> None:
    """Raise `ConfigurationError` when a migration is new without record, changed, or gone."""
    found = {file.name: digest(file) for file in migrations_folder().glob("*.sql")}
    recorded = checksums()
    wrong = sorted(name for name in found | recorded if found.get(name) != recorded.get(name))
    if wrong:
        raise ConfigurationError(
            f"migrations differ from checksums.txt: {', '.join(wrong)}; a landed migration "
            "never changes, a new one is recorded with `sha256sum`"
        )


def _backend(dsn: str) -> PostgresqlPsycopgBackend:
    """Return yoyo's backend for any libpq connection string."""
    words = dict(conninfo_to_dict(dsn))
    name = words.pop("dbname", None)
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, name, words)
    backend = PostgresqlPsycopgBackend(uri, yoyo.connections.default_migration_table)
    backend.init_database()
    return backend


def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return the names applied; safe to run twice at once.

    Raises `DatabaseAway`, `ConfigurationError`.
    """
    check_checksums()
    with connect(dsn, autocommit=True, application="doorguard-migrate") as guard, translated():
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            backend = _backend(dsn)
            migrations = yoyo.read_migrations(str(migrations_folder()))
            todo = backend.to_apply(migrations)
            backend.apply_migrations(todo)
            backend.connection.close()
        return [migration.id for migration in todo]
