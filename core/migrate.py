"""Bring a database to the newest schema, while it is written to.

Every migration is one SQL file and one transaction, which also records it: killed at any moment
it is either whole or not there. `checksums.txt` holds the SHA-256 of every landed migration, and a
file that no longer agrees with it is refused before anything is touched.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import psycopg

from core import sql
from core.clock import Clock, SystemClock
from core.database import Connection, connect, translated
from core.errors import ConfigurationError, Contended
from core.telemetry import logger

PATIENCE_S = 300.0  # then the caller is told; a container's restart policy tries again
PAUSE_S = 2.0  # writers that queued behind us get through
_QUERIES = sql.load("core", "migrate.sql")
_log = logger(__name__)


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


def pending(conn: Connection) -> list[str]:
    """Return the names of the migrations this database lacks, in order."""
    row = conn.execute(_QUERIES["has_record"]).fetchone()
    applied: set[str] = set()
    if row and row["found"]:
        applied = {row["migration_id"] for row in conn.execute(_QUERIES["applied"]).fetchall()}
    return [file.stem for file in _files() if file.stem not in applied]


def migrate(
    dsn: str,
    *,
    patience_s: float = PATIENCE_S,
    tell: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> list[str]:
    """Apply what is missing and return the names applied; safe to run twice at once, and again.

    A lock is waited for two seconds at most, so that nobody queues behind us for long; then the
    migration is rolled back and tried again for `patience_s`, and `tell` hears what it waits for.
    Raises `Contended` after that, `DatabaseAway`, `ConfigurationError`.
    """
    check_checksums()
    clock = clock or SystemClock()
    say = tell or _warn
    give_up_s = clock.monotonic_s() + patience_s
    applied: list[str] = []
    with connect(dsn, autocommit=True, application="doorguard-migrate") as conn:
        while True:
            try:
                with translated():
                    applied += _apply_next(conn)
                    if not pending(conn):
                        return applied
            except Contended as error:
                text = f"{error}; {_who_holds(conn)}"
                if clock.monotonic_s() >= give_up_s:
                    raise Contended(f"gave up after {patience_s:g} s: {text}") from error
                say(f"{text}; trying again")
                threading.Event().wait(min(PAUSE_S, patience_s))


def _files() -> list[Path]:
    return sorted(migrations_folder().glob("*.sql"))


def _apply_next(conn: Connection) -> list[str]:
    """Apply the first migration that is missing, in one transaction with its record."""
    with conn.transaction():
        conn.execute(_QUERIES["lock_timeout"])
        conn.execute(_QUERIES["one_migrator"])
        conn.execute(_QUERIES["make_record"])
        todo = pending(conn)
        if not todo:
            return []
        file = migrations_folder() / f"{todo[0]}.sql"
        try:
            conn.execute(file.read_bytes())
        except psycopg.errors.LockNotAvailable as error:
            raise Contended(
                f"{file.name}: a table it changes is in use", delay_s=PAUSE_S
            ) from error
        except psycopg.Error as error:
            if "must be preloaded" not in str(error):
                raise
            raise ConfigurationError(
                "TimescaleDB is installed on this server but not loaded: put "
                "shared_preload_libraries = 'timescaledb' into its configuration and restart it"
            ) from error
        migration = {
            "hash": hashlib.sha256(file.stem.encode()).hexdigest(),
            "migration_id": file.stem,
        }
        conn.execute(_QUERIES["record"], migration)
        return [file.stem]


def _who_holds(conn: Connection) -> str:
    rows = conn.execute(_QUERIES["oldest_transactions"]).fetchall()
    if not rows:
        return "whoever held it has finished"
    return "open transactions, oldest first: " + ", ".join(
        f"pid {row['pid']} ({row['application_name'] or row['usename']}, {row['state']}, "
        f"{row['age_s']} s)"
        for row in rows
    )


def _warn(text: str) -> None:
    _log.warning("migration waits", reason=text)
