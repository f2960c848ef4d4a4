"""Connections to PostgreSQL, and the one place where driver errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from core.errors import Contended, DatabaseAway
from core.precedence import connection_ahead

Connection: TypeAlias = psycopg.Connection[DictRow]
Cursor: TypeAlias = psycopg.Cursor[DictRow]

_CONNECT_TIMEOUT_S = 5
_RECONNECT_S = 2.0
_SESSION = {
    "row_factory": dict_row,
    "connect_timeout": _CONNECT_TIMEOUT_S,
    # a peer that vanished without a word is noticed in about 10 s
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn what trying again can heal into `DatabaseAway`; let everything else through."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseAway(f"no connection became free: {error}") from error
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise Contended(str(error).strip(), delay_s=0.1) from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.IdleInTransactionSessionTimeout,
        psycopg.errors.ReadOnlySqlTransaction,  # a standby, or a server that protects a full disk
    ) as error:
        raise DatabaseAway(str(error).strip()) from error


# On the server, too: a client that vanished in mid-transaction must not keep its locks for hours,
# and whoever waits for a lock gives up, rolls back and tries again.
_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        "lock_timeout=3s",
        "idle_in_transaction_session_timeout=15s",
        "tcp_keepalives_idle=5",
        "tcp_keepalives_interval=2",
        "tcp_keepalives_count=3",
    )
)


def connect(dsn: str, *, autocommit: bool = False, application: str = "doorguard") -> Connection:
    """Open one connection; raise `DatabaseAway`. Times come back in UTC."""
    with translated():
        return psycopg.connect(
            dsn,
            autocommit=autocommit,
            application_name=application,
            options=_OPTIONS,
            **_kwargs(),
        )


def _kwargs() -> dict[str, Any]:
    return dict(_SESSION)


def _put_ahead(conn: Connection) -> None:
    connection_ahead(conn)  # a database elsewhere has an order of its own


class Database:
    """A pool of connections of one process.

    `min_size` connections stand ready, `max_size` is the limit; a borrower waits at most 5 s. What
    is asked for `ahead` is answered before all else, where we may say so (`core.precedence`).
    """

    def __init__(
        self,
        dsn: str,
        *,
        application: str,
        min_size: int = 1,
        max_size: int = 4,
        ahead: bool = False,
    ) -> None:
        self.dsn = dsn
        self.application = application
        self._ahead = ahead
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=5.0,
            # The pool doubles the pause between attempts: after ten minutes away it would look
            # again in ten. Given up, it tries anew whenever somebody asks for a connection.
            reconnect_timeout=_RECONNECT_S,
            open=False,
            check=ConnectionPool.check_connection,
            configure=_put_ahead if ahead else None,
            kwargs={
                "application_name": application,
                "options": _OPTIONS,
                **_kwargs(),
            },
        )

    def open(self) -> None:
        """Start the pool; connections are made in the background."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Close the pool, waiting at most 2 s for its threads."""
        self._pool.close(timeout=2.0)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection; commit at the end, roll back on any error. Raises `DatabaseAway`."""
        with translated(), self._pool.connection() as conn:
            yield conn

    def listener(self, *, ahead: bool = False) -> Connection:
        """Open a connection of its own for LISTEN, in autocommit."""
        conn = connect(self.dsn, autocommit=True, application=f"{self.application}-listen")
        if ahead or self._ahead:
            with translated():  # it may have been cut off meanwhile
                _put_ahead(conn)
        return conn
