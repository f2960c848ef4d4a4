"""What alarms ask of the database is answered by processes that go first, where we may say so."""

from __future__ import annotations

import os

import pytest

from core.database import Connection, Database
from core.precedence import connection_ahead

pytestmark = pytest.mark.integration


def _policy(conn: Connection) -> int:
    return os.sched_getscheduler(conn.info.backend_pid) & ~os.SCHED_RESET_ON_FORK


def test_connections_ahead_are_served_first_and_others_are_not(
    dsn: str, database: Database, conn: Connection
) -> None:
    if not connection_ahead(conn):
        pytest.skip("the database runs elsewhere, or we have no right to place its processes")
    ahead = Database(dsn, application="ahead", ahead=True)
    ahead.open()
    try:
        with ahead.transaction() as first, ahead.listener() as listening:
            assert _policy(first) == os.SCHED_RR
            assert _policy(listening) == os.SCHED_RR
        with database.transaction() as other, database.listener() as plain:
            assert _policy(other) == os.SCHED_OTHER
            assert _policy(plain) == os.SCHED_OTHER
        with database.listener(ahead=True) as asked:
            assert _policy(asked) == os.SCHED_RR
    finally:
        ahead.close()
