"""A database that takes no writes is away for those who write: they wait, and lose nothing."""

from __future__ import annotations

import pytest

from core.database import Connection, Database
from core.errors import DatabaseAway

pytestmark = pytest.mark.integration


def test_a_read_only_database_is_away_until_it_writes_again(
    database: Database, conn: Connection
) -> None:
    def write() -> None:
        with database.transaction() as one:
            one.execute(
                "INSERT INTO storage_jobs (name, every, next_at) VALUES ('t', '1 h', now())"
            )

    name = conn.info.dbname
    conn.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = %s"
    )
    conn.execute(cut, (name,))
    with pytest.raises(DatabaseAway, match="read-only"):
        write()
    conn.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    conn.execute(cut, (name,))
    write()
