"""The upkeep's jobs: what runs how often, and when next; the plan is pure, the table remembers.

Every ingest worker looks at the table. Whoever gets a job's advisory lock runs it; the lock ends
with the session, so that a crashed run is taken again a minute later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import DictRow

from core import sql
from core.clock import Clock
from core.database import Connection, translated
from core.errors import DatabaseAway, DoorGuardError, NotFound
from core.telemetry import logger
from ingest.storage import compaction, partitions, retention, rollups
from ingest.storage.retention import Retention

AGAIN_AFTER = timedelta(minutes=1)
_LONGEST_DOUBLING = 6  # at most an hour between tries
_QUERIES = sql.load("ingest.storage")
_log = logger(__name__)

Work = Callable[[Connection, datetime, Retention], str]


@dataclass(frozen=True, slots=True)
class Job:
    """`work` gets a connection in autocommit, the time and the limits, and says what it did.

    Jobs of one `claim` never run at the same time.
    """

    name: str
    every: timedelta
    work: Work
    claim: str


@dataclass(frozen=True, slots=True)
class Due:
    """A job as the table knows it."""

    name: str
    next_at: datetime


def due(rows: Iterable[Due], now: datetime) -> list[str]:
    """Return the names of the jobs to run, the longest overdue first."""
    ripe = [row for row in rows if row.next_at <= now]
    return [row.name for row in sorted(ripe, key=lambda row: (row.next_at, row.name))]


def after_failure(now: datetime, failures: int, every: timedelta) -> datetime:
    """Return when to try again after so many failures in a row: 1, 2, 4 … 64 minutes."""
    minutes: int = 2 ** min(failures - 1, _LONGEST_DOUBLING)
    return now + min(every, AGAIN_AFTER * minutes)


def _partitions(conn: Connection, now: datetime, _keep: Retention) -> str:
    return _named("made", partitions.make_partitions(conn, now))


def _rollups(conn: Connection, now: datetime, _keep: Retention) -> str:
    rollups.refresh(conn, now)
    return ""


def _recount(conn: Connection, now: datetime, _keep: Retention) -> str:
    rollups.recount(conn, now)
    return ""


def _compact(conn: Connection, now: datetime, _keep: Retention) -> str:
    return _named("packed", compaction.compact(conn, now))


def _retain(conn: Connection, now: datetime, keep: Retention) -> str:
    return _named("dropped", retention.retain(conn, now, keep))


def _named(did: str, names: list[str]) -> str:
    return f"{did} {len(names)}: {', '.join(names[:5])}" if names else ""


JOBS = (
    Job("partitions", timedelta(hours=1), _partitions, claim="partitions"),
    Job("rollups", timedelta(minutes=10), _rollups, claim="rollups"),
    Job("recount", timedelta(days=1), _recount, claim="rollups"),
    Job("compact", timedelta(hours=6), _compact, claim="chunks"),
    Job("retain", timedelta(hours=6), _retain, claim="chunks"),
)


def _cancelled(error: BaseException) -> bool:
    return isinstance(error, psycopg.errors.QueryCanceled) or isinstance(
        error.__cause__, psycopg.errors.QueryCanceled
    )


class Jobs:
    """Runs jobs over one connection of its own, in autocommit."""

    def __init__(self, conn: Connection, clock: Clock, jobs: Iterable[Job] = JOBS) -> None:
        self._conn = conn
        self._clock = clock
        self._jobs = {job.name: job for job in jobs}

    def sync(self) -> None:
        """Bring the table in line with the jobs there are; new ones are due at once."""
        with translated(), self._conn.transaction():
            for job in self._jobs.values():
                self._conn.execute(
                    _QUERIES["sync_job"],
                    {"name": job.name, "every": job.every, "now": self._clock.now()},
                )
            self._conn.execute(_QUERIES["forget_jobs"], {"names": list(self._jobs)})
        with translated():
            self._conn.execute(_QUERIES["job_lock_timeout"])

    def run_due(self) -> list[str]:
        """Run what is due and nobody else is running; return the names run, failed ones too."""
        with translated():
            rows = self._conn.execute(_QUERIES["jobs"]).fetchall()
        ripe = due([Due(row["name"], row["next_at"]) for row in rows], self._clock.now())
        return [name for name in ripe if self.run(name)]

    def run(self, name: str, *, at_once: bool = False) -> bool:
        """Run a job if it is due, or `at_once`; False when it is not, or another holds its claim.

        What it failed of stands in the table. Raises `DatabaseAway` when the connection is lost,
        `NotFound` for a name that is no job's.
        """
        job = self._jobs.get(name)
        if job is None:
            raise NotFound(f"no job {name}; there are {', '.join(self._jobs)}")
        with translated():
            claimed = self._conn.execute(_QUERIES["claim_job"], {"claim": job.claim}).fetchone()
            if not claimed or not claimed["mine"]:
                return False
        try:
            return self._run(job, at_once=at_once)
        finally:
            if not self._conn.closed:
                self._conn.execute(_QUERIES["release_job"], {"claim": job.claim})

    def state(self, name: str) -> DictRow:
        """Return a job's row."""
        with translated():
            rows = self._conn.execute(_QUERIES["jobs"]).fetchall()
        return next(row for row in rows if row["name"] == name)

    def _run(self, job: Job, *, at_once: bool) -> bool:
        now = self._clock.now()
        start = {"name": job.name, "now": now, "next_at": now + AGAIN_AFTER, "at_once": at_once}
        with translated():
            row = self._conn.execute(_QUERIES["start_job"], start).fetchone()
        if row is None:  # another worker was quicker
            return False
        began_s = self._clock.monotonic_s()
        try:
            note = job.work(self._conn, now, retention.load_retention())
        except (psycopg.Error, DoorGuardError) as error:
            if self._conn.closed:
                raise DatabaseAway(str(error).strip()) from error
            if _cancelled(error):  # the process ends, or an operator said so: due in a minute
                _log.info("a storage job was cancelled", job=job.name)
                return True
            again = after_failure(self._clock.now(), row["failures"] + 1, job.every)
            self._record("fail_job", job, again, began_s, error=str(error).strip()[:1000])
            _log.warning("a storage job failed", job=job.name, error=str(error).strip())
        else:
            self._record("finish_job", job, now + job.every, began_s, note=note)
        return True

    def _record(self, query: str, job: Job, next_at: datetime, began_s: float, **said: str) -> None:
        took_s = round(self._clock.monotonic_s() - began_s, 3)
        values = {"name": job.name, "now": self._clock.now(), "next_at": next_at, "took_s": took_s}
        with translated():
            self._conn.execute(_QUERIES[query], {**values, **said})
