"""Who lives and who holds which share: PostgreSQL advisory locks of one connection.

A lock is gone the moment its connection is, so a worker that was killed has left before anybody
could write it down. One that was only stopped, or whose network broke, keeps its connection: the
server ends it after `IDLE_S` without a word, and the worker itself does not act on what it was
told more than `LEASE_S` ago.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import sql
from core.clock import Clock
from core.database import Connection, connect, translated
from core.errors import DatabaseAway
from ingest.sharing.layout import Share

IDLE_S = 5
LEASE_S = 4.0
_MEMBERS, _SHARES = 0x646F6F72, 0x646F6F73  # two-part keys: (class, connection) and (class, share)
_QUERIES = sql.load("ingest.sharing")


@dataclass(frozen=True, slots=True)
class View:
    """What stands in the database. Workers are known by the process id of their connection."""

    me: int
    members: frozenset[int]
    held: dict[Share, int]  # of any layout
    layout: int
    preparing: int | None
    retiring: int | None


class Locks:
    """The locks of one worker. Not safe from several threads, but for `lease_holds`.

    Every method raises `DatabaseAway` when the connection is gone, and with it every lock.
    """

    def __init__(self, dsn: str, clock: Clock) -> None:
        self._dsn = dsn
        self._clock = clock
        self._conn: Connection | None = None
        self._lease_until_s = float("-inf")

    def lease_holds(self) -> bool:
        """Whether the locks surely are still ours; from any thread."""
        return self._clock.monotonic_s() < self._lease_until_s

    def open(self) -> None:
        """Connect and become a member."""
        self.close()
        conn = connect(self._dsn, autocommit=True, application="doorguard-shares")
        with translated():
            conn.execute(f"SET idle_session_timeout = '{IDLE_S}s'")
            conn.execute("SET statement_timeout = '3s'")
        self._conn = conn
        self._try(_MEMBERS, conn.info.backend_pid)

    @property
    def is_open(self) -> bool:
        return self._conn is not None

    def close(self) -> None:
        """Give up every lock and the membership."""
        self._lease_until_s = float("-inf")
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def view(self) -> View:
        """Return what stands, and renew the lease."""
        asked_s = self._clock.monotonic_s()
        conn = self._connection()
        with translated():
            row = conn.execute(_QUERIES["layout"]).fetchone()
            locks = conn.execute(
                _QUERIES["lane_locks"], {"members": _MEMBERS, "shares": _SHARES}
            ).fetchall()
        if row is None:
            raise AssertionError("event_lane_layout lost its row")
        self._lease_until_s = asked_s + LEASE_S
        return View(
            me=conn.info.backend_pid,
            members=frozenset(lock["pid"] for lock in locks if lock["class"] == _MEMBERS),
            held={
                Share.of_key(lock["key"]): lock["pid"] for lock in locks if lock["class"] == _SHARES
            },
            layout=row["shares"],
            preparing=row["preparing"],
            retiring=row["retiring"],
        )

    def claim(self, share: Share) -> bool:
        """Take a share that nobody holds; False when somebody was first or its layout is gone."""
        if not self._try(_SHARES, share.key):
            return False
        with translated():
            row = self._connection().execute(_QUERIES["layout"]).fetchone()
        if row is None or row["shares"] != share.layout:
            self.release(share)
            return False
        return True

    def release(self, share: Share) -> None:
        """Let others have a share."""
        with translated():
            self._connection().execute(_QUERIES["unlock"], {"class": _SHARES, "key": share.key})

    def prepare(self, layout: int, *, before: int | None, to: int | None) -> bool:
        """Note that the sessions of `to` are being made (None: no more); False if it came anew."""
        return self._note("prepare_layout", shares=layout, before=before, preparing=to)

    def switch(self, layout: int, to: int) -> bool:
        """Put `to` in force. On the connection that holds the shares of `layout`: whoever lost
        them cannot switch.
        """
        return self._note("switch_layout", shares=layout, preparing=to)

    def retired(self, layout: int) -> None:
        """Note that the sessions of a former layout are deleted."""
        self._note("layout_retired", retiring=layout)

    def _note(self, query: str, **values: int | None) -> bool:
        with translated():
            return self._connection().execute(_QUERIES[query], values).rowcount == 1

    def _try(self, kind: int, key: int) -> bool:
        with translated():
            row = (
                self._connection()
                .execute(_QUERIES["try_lock"], {"class": kind, "key": key})
                .fetchone()
            )
        return row is not None and bool(row["got"])

    def _connection(self) -> Connection:
        if self._conn is None:
            raise DatabaseAway("not connected")
        return self._conn
