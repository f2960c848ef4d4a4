"""Exactly one worker runs a job, a crashed run is taken again, a failing one waits longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.processes.storage import StorageUpkeep
from core.clock import SystemClock
from core.database import Connection, Database, connect
from core.errors import DatabaseAway, NotFound
from ingest.storage.jobs import AGAIN_AFTER, JOBS, Due, Job, Jobs, after_failure, due
from ingest.storage.retention import Retention
from tests.conftest import NOON, ManualClock
from tests.integration.storage.conftest import ask, one

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


def test_the_longest_overdue_comes_first() -> None:
    rows = [Due("b", NOON), Due("a", NOON), Due("c", NOON - HOUR), Due("d", NOON + HOUR)]
    assert due(rows, NOON) == ["c", "a", "b"]


@given(st.integers(1, 10_000), st.timedeltas(AGAIN_AFTER, timedelta(days=9)))
def test_a_failing_job_waits_longer_but_never_longer_than_its_turn(
    failures: int, every: timedelta
) -> None:
    wait = after_failure(NOON, failures, every) - NOON
    assert AGAIN_AFTER <= wait <= every
    assert wait <= after_failure(NOON, failures + 1, every) - NOON <= 64 * AGAIN_AFTER


class Probe:
    """A job's work that counts, and fails when told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails: Exception | None = None
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, conn: Connection, now: datetime, keep: Retention) -> str:
        self.runs += 1
        self.inside.set()
        assert self.go_on.wait(20)
        if self.fails:
            raise self.fails
        return f"run {self.runs}"


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def other(store_dsn: str) -> Iterator[Connection]:
    with connect(store_dsn, autocommit=True) as conn:
        yield conn


def worker(conn: Connection, clock: ManualClock, probe: Probe) -> Jobs:
    jobs = Jobs(conn, clock, [Job("probe", HOUR, probe, claim="probe")])
    jobs.sync()
    return jobs


def test_a_job_runs_when_due_and_not_before(
    store: Connection, clock: ManualClock, probe: Probe
) -> None:
    jobs = worker(store, clock, probe)
    assert jobs.run_due() == ["probe"]
    clock.advance(3599)
    assert jobs.run_due() == []
    clock.advance(1)
    assert jobs.run_due() == ["probe"]
    assert jobs.state("probe")["last_note"] == "run 2"
    assert jobs.run("probe", at_once=True)
    with pytest.raises(NotFound):
        jobs.run("nonsense")


def test_of_two_workers_one_runs_it(
    store: Connection, other: Connection, clock: ManualClock, probe: Probe
) -> None:
    first, second = worker(store, clock, probe), worker(other, clock, probe)
    probe.go_on.clear()
    thread = threading.Thread(target=first.run_due)
    thread.start()
    assert probe.inside.wait(20)
    clock.advance(300)  # it takes long, and is due again by the table
    assert second.run_due() == []
    assert not second.run("probe", at_once=True)
    probe.go_on.set()
    thread.join(20)
    assert second.run_due() == []
    assert probe.runs == 1


def test_a_crashed_run_is_taken_again(
    store: Connection, other: Connection, clock: ManualClock, probe: Probe
) -> None:
    first, second = worker(store, clock, probe), worker(other, clock, probe)
    pid = one(store, "SELECT pg_backend_pid()")
    probe.fails = psycopg.OperationalError("the worker is gone")

    def die(conn: Connection, now: datetime, keep: Retention) -> str:
        probe(conn, now, keep) if probe.fails is None else other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", (pid,)
        )
        conn.execute("SELECT 1")
        return ""

    first._jobs["probe"] = Job("probe", HOUR, die, claim="probe")
    with pytest.raises(DatabaseAway):
        first.run_due()
    assert second.run_due() == []
    clock.advance(60)
    probe.fails = None
    assert second.run_due() == ["probe"]
    assert second.state("probe")["last_note"] == "run 1"


def test_a_failure_stands_in_the_table_and_the_others_go_on(
    store: Connection, clock: ManualClock, probe: Probe
) -> None:
    fine = Probe()
    jobs = Jobs(
        store,
        clock,
        [Job("probe", HOUR, probe, claim="probe"), Job("fine", HOUR, fine, claim="fine")],
    )
    jobs.sync()
    probe.fails = psycopg.errors.UndefinedTable("no such thing")
    assert set(jobs.run_due()) == {"probe", "fine"}
    state = jobs.state("probe")
    assert (state["failures"], state["last_error"]) == (1, "no such thing")
    assert state["next_at"] == clock.now() + AGAIN_AFTER
    clock.advance(60)
    assert jobs.run_due() == ["probe"]
    probe.fails = None
    clock.advance(120)
    assert jobs.run_due() == ["probe"]
    state = jobs.state("probe")
    assert (state["failures"], state["last_error"]) == (0, "")
    assert fine.runs == 1


def test_jobs_no_longer_there_are_forgotten(
    store: Connection, clock: ManualClock, probe: Probe
) -> None:
    worker(store, clock, probe)
    Jobs(store, clock).sync()
    names = {row[0] for row in ask(store, "SELECT name FROM storage_jobs")}
    assert names == {job.name for job in JOBS}


def test_every_job_runs_on_this_store(store: Connection, clock: ManualClock) -> None:
    jobs = Jobs(store, clock)
    jobs.sync()
    assert set(jobs.run_due()) == {job.name for job in JOBS}
    assert ask(store, "SELECT name, last_error FROM storage_jobs WHERE last_error <> ''") == []


def test_jobs_of_one_claim_never_run_together(
    store: Connection, other: Connection, clock: ManualClock, probe: Probe
) -> None:
    pair = [Job("probe", HOUR, probe, claim="it"), Job("second", HOUR, Probe(), claim="it")]
    first, second = Jobs(store, clock, pair), Jobs(other, clock, pair)
    first.sync()
    probe.go_on.clear()
    thread = threading.Thread(target=first.run, args=("probe",))
    thread.start()
    assert probe.inside.wait(20)
    assert second.run_due() == []
    probe.go_on.set()
    thread.join(20)
    assert second.run_due() == ["second"]


class Waiting:
    """Work that waits in the database for a lock nobody gives."""

    def __call__(self, conn: Connection, now: datetime, keep: Retention) -> str:
        conn.execute("SET lock_timeout = 0")
        conn.execute("SELECT pg_advisory_lock(42)")
        return ""


def test_the_process_stops_in_the_middle_of_a_job(store_dsn: str) -> None:
    database = Database(store_dsn, application="test")
    job = Job("waiting", HOUR, Waiting(), claim="waiting")
    with connect(store_dsn, autocommit=True) as conn, connect(store_dsn) as blocker:
        blocker.execute("SELECT pg_advisory_xact_lock(42)")
        upkeep = StorageUpkeep(database, SystemClock(), [job])
        upkeep.start()
        wait = threading.Event()
        while not one(conn, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
            wait.wait(0.02)
        upkeep.stop()
        assert not upkeep._thread.is_alive()
        assert ask(conn, "SELECT failures, last_finished_at FROM storage_jobs") == [(0, None)]


def test_the_process_outlives_the_loss_of_its_connection(store_dsn: str) -> None:
    ran = Probe()
    upkeep = StorageUpkeep(
        Database(store_dsn, application="test"),
        SystemClock(),
        [Job("probe", HOUR, ran, claim="probe")],
    )
    ran.go_on.clear()
    with connect(store_dsn, autocommit=True) as conn:
        upkeep.start()
        assert ran.inside.wait(20)
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'doorguard-storage' AND datname = current_database()"
        )
        conn.execute("UPDATE storage_jobs SET next_at = '2000-01-01'")
        ran.inside.clear()
        ran.go_on.set()
        assert ran.inside.wait(20), "it came back and took the job again"
        upkeep.stop()
