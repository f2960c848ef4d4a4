"""`doorguard db status`: which store it is, and what is wrong with it in plain words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from app.cli.db import as_result
from app.cli.main import cli
from core.clock import SystemClock
from core.database import Connection
from ingest.storage.compaction import compact
from ingest.storage.engine import Engine
from ingest.storage.inspection import Chunk, Facts, JobState, inspect
from ingest.storage.jobs import JOBS, Jobs
from ingest.storage.partitions import Span, gaps, make_partitions
from ingest.storage.verdict import wrong
from tests.conftest import NOON, ManualClock, PostgresServer
from tests.integration.storage.conftest import PLAIN, copy, has_extension, put, row

pytestmark = pytest.mark.integration

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def cover(start: timedelta, end: timedelta) -> tuple[Chunk, ...]:
    spans = gaps([], NOON + start, NOON + end, WEEK)
    return tuple(Chunk(f"p{n}", span, False, 0, 0, 0, None) for n, span in enumerate(spans))


def well() -> Facts:
    """A plain store with nothing wrong."""
    job = JobState("retain", DAY, NOON + DAY, NOON, NOON, 1.0, "", "", 0)
    return Facts(
        engine=Engine.PLAIN,
        server_version="18",
        extension_version=None,
        extension_available=False,
        shared_buffers_bytes=128 << 20,
        homes=3,
        width=WEEK,
        chunks=cover(-WEEK, 2 * WEEK),
        counted_to={"household_days": NOON, "fleet_hours": NOON},
        behind={"household_days": timedelta(0), "fleet_hours": timedelta(0)},
        jobs=(job,),
        placements=0,
        rejected=0,
        rejected_kept=0,
        adopting=False,
        stray_bytes=0,
        default_partition=False,
        pending=(),
        checksums="",
    )


def test_all_is_well() -> None:
    assert wrong(well(), NOON) == []
    assert as_result(well(), NOON)["ok"] is True


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(well(), pending=("0009_x",)), "doorguard migrate"),
        (replace(well(), checksums="0003 differs"), "0003 differs"),
        (replace(well(), chunks=cover(-WEEK, timedelta(0))), "no partition from"),
        (replace(well(), chunks=cover(timedelta(0), 2 * WEEK)), None),
        (replace(well(), stray_bytes=8192), "past the extension"),
        (replace(well(), default_partition=True), "default partition"),
        (replace(well(), jobs=()), "no job has ever run"),
        (
            replace(well(), jobs=(replace(well().jobs[0], next_at=NOON - timedelta(hours=1)),)),
            "retain is overdue",
        ),
        (
            replace(well(), jobs=(replace(well().jobs[0], failures=3, last_error="disk full"),)),
            "failed 3 times: disk full",
        ),
        (
            replace(well(), behind={"household_days": 2 * DAY, "fleet_hours": timedelta(0)}),
            "household_days is 2 days",
        ),
        (
            replace(
                well(),
                chunks=(Chunk("p", Span(NOON - DAY, NOON + WEEK), False, 9, 9, 1 << 30, None),),
            ),
            "larger than shared_buffers (128 MiB)",
        ),
        (replace(well(), extension_available=True), "adopt-timescale"),
        (replace(well(), extension_available=True, adopting=True), "not finished"),
    ],
)
def test_what_is_wrong_is_said(facts: Facts, said: str | None) -> None:
    found = wrong(facts, NOON)
    if said is None:  # what lies behind may be gone; only the time to come needs room
        assert found == []
    else:
        assert len(found) == 1
        assert said in found[0]


def test_the_facts_of_a_real_store(
    store: Connection, kind: str, clock: ManualClock, postgres_server: PostgresServer
) -> None:
    old = NOON - 60 * DAY
    make_partitions(store, old)
    copy(store, [row(n, old + n * timedelta(seconds=20), home=f"h-{n % 7}") for n in range(3000)])
    put(store, [row(9_000)])
    jobs = Jobs(store, clock)
    jobs.sync()
    jobs.run_due()
    store.execute("ANALYZE events")
    facts = inspect(store, NOON)
    assert facts.engine is (Engine.PLAIN if kind == PLAIN else Engine.TIMESCALE)
    assert {job.name for job in facts.jobs} == {job.name for job in JOBS}
    current = facts.current(NOON)
    assert current is not None
    assert current.index_bytes > 0
    packed = [chunk for chunk in facts.chunks if chunk.packed]
    if kind == PLAIN:
        assert packed == []
    else:
        assert [chunk.rows for chunk in packed] == [3000]
        assert packed[0].ratio is not None
        assert packed[0].ratio > 2
    unused = kind == PLAIN and has_extension(postgres_server)
    assert len(wrong(facts, NOON)) == unused
    assert as_result(facts, NOON)["rows"] == 3001
    assert compact(store, NOON) == []


def test_the_command_says_it_and_its_exit_status_too(store: Connection, store_dsn: str) -> None:
    make_partitions(store, SystemClock().now())
    run = CliRunner().invoke(cli, ["db", "status", "--database", store_dsn, "--json"])
    assert run.exit_code == 1
    said = json.loads(run.stdout.splitlines()[-1])
    assert "no job has ever run" in said["wrong"][0]
    for job in JOBS:
        run = CliRunner().invoke(cli, ["db", "jobs", "run", job.name, "--database", store_dsn])
        assert run.exit_code == 0, run.output
    run = CliRunner().invoke(cli, ["db", "status", "--database", store_dsn, "--json"])
    said = json.loads(run.stdout.splitlines()[-1])
    assert not [text for text in said["wrong"] if "adopt-timescale" not in text]
    assert run.exit_code == (1 if said["wrong"] else 0)
    run = CliRunner().invoke(cli, ["db", "status", "--database", store_dsn])
    assert "store " in run.stdout
    run = CliRunner().invoke(cli, ["db", "jobs", "run", "nonsense", "--database", store_dsn])
    assert run.exit_code == 1
