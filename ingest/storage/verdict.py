"""What is wrong with the store, in plain words; pure over the facts."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.storage.engine import Engine
from ingest.storage.inspection import Facts
from ingest.storage.partitions import gaps

ROOM_FOR = timedelta(days=7)  # of the two weeks made ahead: a week to notice and to mend
_JOB_GRACE = timedelta(minutes=15)
_BEHIND = {"household_days": timedelta(days=1), "fleet_hours": timedelta(hours=3)}


def wrong(facts: Facts, now: datetime) -> list[str]:
    """Return what an operator must look at, the worst first; empty when all is well."""
    return [
        *_schema(facts),
        *_room(facts, now),
        *_jobs(facts, now),
        *_rollups(facts),
        *_use(facts, now),
    ]


def _schema(facts: Facts) -> list[str]:
    said = [facts.checksums] if facts.checksums else []
    if facts.pending:
        said.append(f"migrations wait: {', '.join(facts.pending)}; run `doorguard migrate`")
    return said


def _room(facts: Facts, now: datetime) -> list[str]:
    said = []
    if facts.engine is Engine.PLAIN:
        existing = [chunk.span for chunk in facts.chunks]
        missing = gaps(existing, now, now + ROOM_FOR, facts.width)
        if missing:
            said.append(
                f"no partition from {missing[0].start:%Y-%m-%d %H:%M} UTC on: job partitions"
            )
        if facts.default_partition:
            said.append(
                "events has a default partition: rows in it are in nobody's time; remove it"
            )
    return said


def _jobs(facts: Facts, now: datetime) -> list[str]:
    if not facts.jobs:
        return ["no job has ever run: is an ingest process running?"]
    said = []
    for job in facts.jobs:
        if job.failures:
            said.append(f"job {job.name} failed {job.failures} times: {job.last_error}")
        elif job.next_at + _JOB_GRACE < now:
            said.append(
                f"job {job.name} is overdue since {job.next_at:%Y-%m-%d %H:%M} UTC: is an ingest "
                "process running?"
            )
    return said


def _rollups(facts: Facts) -> list[str]:
    return [
        f"roll-up {name} is {late} behind"
        for name, late in facts.behind.items()
        if late > _BEHIND[name]
    ]


def _use(facts: Facts, now: datetime) -> list[str]:
    said = []
    current = facts.current(now)
    if current and current.index_bytes > facts.shared_buffers_bytes:
        said.append(
            f"the index of the current chunk ({current.index_bytes >> 20} MiB) is larger than "
            f"shared_buffers ({facts.shared_buffers_bytes >> 20} MiB): raise it"
        )
    if facts.stray_bytes:
        said.append(
            f"{facts.stray_bytes} bytes of rows lie in the root of the hypertable, unseen: "
            "somebody wrote past the extension"
        )
    if facts.adopting:
        said.append("a move to TimescaleDB is not finished: run `doorguard db adopt-timescale`")
    elif facts.engine is Engine.PLAIN and facts.extension_available:
        said.append("the server has TimescaleDB and it is not used: `doorguard db adopt-timescale`")
    return said
