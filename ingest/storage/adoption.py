"""From a plain table to a hypertable while ingest keeps writing; resumable at any point.

A trigger mirrors what arrives into the new table, so that the copy of what was there before can
take its time, some thousand rows a transaction. When both tables hold the same, names are exchanged
under a lock of moments. Every step looks at the database for what is done already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from core import sql
from core.database import Connection, translated
from core.errors import ConfigurationError, Conflict, Contended
from ingest.storage.engine import Engine, engine
from ingest.storage.partitions import homes, spans
from ingest.storage.rollups import ROLLUPS, Rollup
from ingest.storage.width import chunk_width

BLOCKS_A_STEP = 512  # of 8 KiB: some 20,000 rows, a fifth of a second
PAUSE_S = 1.0  # between tries for a lock: whoever queued behind us gets through
GUARD_S = 5.0  # a writer waits for a lock for 3 s
HELD_BACK = ("adopt", "rollups", "chunks")
_QUERIES = sql.load("ingest.storage")
_PLAIN = sql.load("ingest.storage", "adoption.sql")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")

Tell = Callable[[str], None]


class Adoption:
    """One run of the move, over a connection in autocommit. `tell` hears of every step done.

    `patience_s` bounds how long it tries for a lock that somebody keeps.
    """

    def __init__(
        self, conn: Connection, *, now: datetime, tell: Tell, patience_s: float = 300.0
    ) -> None:
        self._conn = conn
        self._now = now
        self._tell = tell
        self._tries = max(1, int(patience_s / PAUSE_S))

    def run(self) -> int:
        """Go on to the end and return the rows of the hypertable.

        Raises `ConfigurationError` where the server lacks the extension, `Conflict` when the copy
        differs or another run is at work, `Contended`, `DatabaseAway`. Run it again after any.
        """
        with translated():
            self._hold_jobs_back()
            if engine(self._conn) is Engine.PLAIN:
                self._extension()
                self._make_hypertable()
                self._mirror()
                self._copy()
                self._roll_up()
                rows = self._compare()
                self._retrying(self._swap)
                self._tell("swapped: events is a hypertable")
            else:
                rows = self._count("events")
            self._retrying(self._drop_old)
            self._open()
            return rows

    def abandon(self) -> None:
        """Give the move up before its swap: no mirror, no second table, nothing lost."""
        with translated():
            self._hold_jobs_back()
            if engine(self._conn) is Engine.TIMESCALE:
                raise Conflict("events is a hypertable already; there is no way back")
            self._retrying(self._forget)

    def _hold_jobs_back(self) -> None:
        """Nothing is dropped or counted meanwhile; the locks end with this session."""
        self._conn.execute(_QUERIES["job_lock_timeout"])
        for claim in HELD_BACK:
            for _ in range(self._tries):
                row = self._conn.execute(_QUERIES["claim_job"], {"claim": claim}).fetchone()
                if row and row["mine"]:
                    break
                threading.Event().wait(PAUSE_S)
            else:
                raise Conflict(f"{claim} is at work in another process; try again when it is done")

    def _retrying(self, step: Callable[[], None]) -> None:
        for left in reversed(range(self._tries)):
            try:
                with translated(), self._conn.transaction():
                    step()
            except Contended as error:
                if not left:
                    raise
                self._tell(f"waits: {error}")
                threading.Event().wait(PAUSE_S)
            else:
                return

    def _extension(self) -> None:
        row = self._conn.execute(_QUERIES["extension"]).fetchone()
        if row is None:
            raise ConfigurationError(
                "this server has no TimescaleDB: install it, put shared_preload_libraries = "
                "'timescaledb' into its configuration, and restart it"
            )
        if row["installed_version"] is None:
            try:
                self._conn.execute(_PLAIN["create_extension"])
            except psycopg.errors.InsufficientPrivilege as error:
                raise ConfigurationError(
                    "the role may not create the extension: let the database's owner or a "
                    "superuser run CREATE EXTENSION timescaledb in it once, then go on"
                ) from error
            except psycopg.Error as error:
                if "must be preloaded" not in str(error):
                    raise
                raise ConfigurationError(
                    "TimescaleDB is installed but not loaded: put shared_preload_libraries = "
                    "'timescaledb' into the server's configuration and restart it"
                ) from error
            self._tell("extension created")

    def _exists(self, table: str) -> bool:
        row = self._conn.execute(_PLAIN["exists"], {"name": table}).fetchone()
        return row is not None and bool(row["found"])

    def _make_hypertable(self) -> None:
        if self._exists("events_adopted"):
            return
        with self._conn.transaction():
            self._conn.execute(_PLAIN["create_adopted"])
            self._conn.execute(
                _TIMESCALE["make_adopted_hypertable"], {"width": chunk_width(homes(self._conn))}
            )
            self._conn.execute(_PLAIN["create_adopted_identity"])
            self._conn.execute(_PLAIN["create_adopted_arrival"])
            self._conn.execute(_PLAIN["keep_adopted_columns"])
        self._tell("hypertable made beside the table")

    def _mirror(self) -> None:
        row = self._conn.execute(_PLAIN["mirrored"]).fetchone()
        if row and row["found"]:
            return
        self._retrying(self._start_mirror)
        self._tell("arriving rows are mirrored")

    def _start_mirror(self) -> None:
        # the trigger's lock waits for every writer: what they wrote is inside the blocks noted
        self._conn.execute(_PLAIN["create_mirror_function"])
        self._conn.execute(_PLAIN["create_mirror"])
        self._conn.execute(_PLAIN["note_partitions"])

    def _copy(self) -> None:
        while True:
            row = self._conn.execute(_PLAIN["next_partition"]).fetchone()
            if row is None:
                return
            self._retrying(lambda step=row: self._copy_step(step))  # type: ignore[misc]
            if row["next_block"] + BLOCKS_A_STEP >= row["blocks"]:
                self._tell(f"copied {row['partition']}")

    def _copy_step(self, row: dict[str, object]) -> None:
        partition, begin = str(row["partition"]), int(str(row["next_block"]))
        end = begin + BLOCKS_A_STEP
        if self._exists(partition):  # retention may have dropped it between two runs
            copy = psycopg.sql.SQL(_PLAIN["copy_blocks"]).format(
                partition=psycopg.sql.Identifier(partition)
            )
            blocks = {"begin": f"({begin},0)", "end": f"({end},0)"}
            self._conn.execute(copy, blocks)
        self._conn.execute(_PLAIN["note_copied"], {"partition": partition, "next_block": end})

    def _roll_up(self) -> None:
        self._conn.execute(_PLAIN["make_adopted_aggregates"])
        for rollup in ROLLUPS:
            span = {"from_at": None, "to_at": rollup.floor(self._now)}
            self._conn.execute(_TIMESCALE[f"refresh_{rollup.name}"], span)
        self._tell("roll-ups counted")

    def _count(self, table: str) -> int:
        count = psycopg.sql.SQL("SELECT count(*) AS n FROM {}")
        row = self._conn.execute(count.format(psycopg.sql.Identifier(table))).fetchone()
        return int(row["n"]) if row else 0

    def _compare(self) -> int:
        """Count both in one snapshot; with the identity unique in both, as many means the same."""
        with self._conn.transaction():
            self._conn.execute(_PLAIN["one_snapshot"])
            old, new = self._count("events"), self._count("events_adopted")
        if old != new:
            raise Conflict(f"events has {old} rows, its copy {new}: abandon the move, start again")
        self._tell(f"both hold {old} rows")
        return new

    def _swap(self) -> None:
        self._conn.execute(_PLAIN["lock_events"])
        for rollup in ROLLUPS:
            self._keep_archive(rollup)
        for query in (
            "drop_mirror",
            "drop_mirror_function",
            "rename_old_identity",
            "rename_old_arrival",
            "rename_old",
            "rename_new_identity",
            "rename_new_arrival",
            "rename_new",
            "create_guard_function",
            "create_guard",
            "make_rollup_views",
            "forget_adoption",
        ):
            self._conn.execute(_PLAIN[query])

    def _keep_archive(self, rollup: Rollup) -> None:
        """What was counted of rows dropped since is kept; the rest the aggregates know."""
        oldest = next((span.start for span in spans(self._conn)), self._now)
        first_whole = rollup.floor(oldest + rollup.width - timedelta(microseconds=1))
        bound = {"rollup": rollup.name, "bound": first_whole}
        self._conn.execute(_PLAIN["set_archive_mark"], bound)
        self._conn.execute(_PLAIN[f"trim_{rollup.name}"], bound)

    def _drop_old(self) -> None:
        if self._exists("events_plain"):
            self._conn.execute(_PLAIN["drop_old"])
            self._tell("the old table is gone")

    def _open(self) -> None:
        """Take the guard away when nobody is left who waited for the old table in the swap."""
        row = self._conn.execute(_PLAIN["guarded"]).fetchone()
        if row and row["found"]:
            threading.Event().wait(GUARD_S)
            self._retrying(self._drop_guard)
            self._tell("done")

    def _drop_guard(self) -> None:
        self._conn.execute(_PLAIN["drop_guard"])
        self._conn.execute(_PLAIN["drop_guard_function"])

    def _forget(self) -> None:
        for query in (
            "drop_mirror",
            "drop_mirror_function",
            "drop_adopted_days",
            "drop_adopted_hours",
            "drop_adopted",
            "forget_adoption",
        ):
            self._conn.execute(_PLAIN[query])
