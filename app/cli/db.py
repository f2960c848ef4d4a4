"""`doorguard db`: looking at the event store, its upkeep, and the move to TimescaleDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.cli.command import Result, command, say, table
from app.site import Site
from core.clock import SystemClock
from core.database import connect, translated
from core.errors import TemporaryError
from ingest.storage.adoption import Adoption
from ingest.storage.inspection import Chunk, Facts, inspect, unfinished
from ingest.storage.jobs import Jobs
from ingest.storage.partitions import AHEAD
from ingest.storage.retention import load_retention
from ingest.storage.verdict import wrong

db = typer.Typer(help="The event store.", no_args_is_help=True)
jobs = typer.Typer(help="Its upkeep.", no_args_is_help=True)
db.add_typer(jobs, name="jobs")

_MIB = 1 << 20


@command(db, "status")
def status(site: Site) -> Result:
    """Tell which store is in use, its sizes, its jobs, and what is wrong; exit status 1 if any."""
    now = datetime.now(UTC)
    with site.connect() as conn, translated():
        missing = unfinished(conn)
        if missing:
            said = [f"migrations wait: {', '.join(missing)}; run `doorguard migrate`"]
            return {"ok": False, "pending": missing, "wrong": said}, said[0]
        facts = inspect(conn, now)
    result = as_result(facts, now)
    return result, _as_text(facts, result)


def as_result(facts: Facts, now: datetime) -> dict[str, Any]:
    """Return the JSON form of the facts and of what is wrong with them."""
    current = facts.current(now)
    said = wrong(facts, now)
    return {
        "ok": not said,
        "wrong": said,
        "engine": str(facts.engine),
        "server_version": facts.server_version,
        "extension_version": facts.extension_version,
        "extension_available": facts.extension_available,
        "homes": facts.homes,
        "chunk_width_s": round(facts.width.total_seconds()),
        "shared_buffers_bytes": facts.shared_buffers_bytes,
        "current_chunk": _chunk(current) if current else None,
        "current_index_fits": current is None or current.index_bytes <= facts.shared_buffers_bytes,
        "chunks": [_chunk(chunk) for chunk in facts.chunks],
        "rows": sum(chunk.rows or 0 for chunk in facts.chunks),
        "table_bytes": sum(chunk.table_bytes for chunk in facts.chunks),
        "index_bytes": sum(chunk.index_bytes for chunk in facts.chunks),
        "rollups": [
            {
                "name": name,
                "counted_to": counted_to,
                "behind_s": round(facts.behind[name].total_seconds()),
            }
            for name, counted_to in facts.counted_to.items()
        ],
        "jobs": [
            {
                "name": job.name,
                "every_s": round(job.every.total_seconds()),
                "next_at": job.next_at,
                "last_started_at": job.last_started_at,
                "last_finished_at": job.last_finished_at,
                "took_s": job.last_took_s,
                "note": job.last_note,
                "last_error": job.last_error,
                "failures": job.failures,
            }
            for job in facts.jobs
        ],
        "retention": load_retention().model_dump(),
        "placements": facts.placements,
        "rejected": facts.rejected,
        "rejected_kept": facts.rejected_kept,
        "pending": list(facts.pending),
    }


def _chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "name": chunk.name,
        "from": chunk.span.start,
        "to": chunk.span.end,
        "rows": chunk.rows,
        "table_bytes": chunk.table_bytes,
        "index_bytes": chunk.index_bytes,
        "packed": chunk.packed,
        "ratio": chunk.ratio,
    }


def _as_text(facts: Facts, result: dict[str, Any]) -> str:
    extension = f", TimescaleDB {facts.extension_version}" if facts.extension_version else ""
    lines = [
        f"store      {facts.engine} on PostgreSQL {facts.server_version}{extension}",
        (
            f"events     about {result['rows']} rows, {result['table_bytes'] // _MIB} MiB and "
            f"{result['index_bytes'] // _MIB} MiB of index in {len(facts.chunks)} chunks, "
            f"{sum(chunk.packed for chunk in facts.chunks)} packed"
        ),
        f"chunks     {facts.width} wide for {facts.homes} homes, made {AHEAD.days} days ahead",
        *(
            f"roll-up    {one['name']} counted to {one['counted_to'] or 'nothing yet'}"
            for one in result["rollups"]
        ),
        f"beside     {facts.placements} placements, {facts.rejected} rejects",
        "",
        table(
            [
                {
                    "chunk": chunk.name,
                    "from": f"{chunk.span.start:%Y-%m-%d %H:%M}",
                    "to": f"{chunk.span.end:%Y-%m-%d %H:%M}",
                    "rows": chunk.rows,
                    "MiB": chunk.table_bytes // _MIB,
                    "index": chunk.index_bytes // _MIB,
                    "packed": f"{chunk.ratio} times" if chunk.packed else "",
                }
                for chunk in facts.chunks
                if chunk.table_bytes >= _MIB or chunk.packed
            ],
            ["chunk", "from", "to", "rows", "MiB", "index", "packed"],
            "no chunk holds a mebibyte",
        ),
        "",
        table(
            [{**job, "error": job["last_error"][:60]} for job in result["jobs"]],
            ["name", "next_at", "last_finished_at", "took_s", "note", "error"],
            "no jobs yet",
        ),
        "",
        *([f"WRONG: {text}" for text in result["wrong"]] or ["nothing is wrong"]),
    ]
    return "\n".join(lines)


@command(jobs, "run")
def jobs_run(site: Site, name: Annotated[str, typer.Argument(metavar="NAME")]) -> Result:
    """Run one job now: partitions, rollups, recount, compact or retain."""
    with connect(site.dsn(), autocommit=True, application="doorguard-cli") as conn:
        upkeep = Jobs(conn, SystemClock())
        upkeep.sync()
        if not upkeep.run(name, at_once=True):
            raise TemporaryError(f"{name} is being run by another process")
        row = upkeep.state(name)
    failed = bool(row["failures"])
    result = {"ok": not failed, "job": name, "note": row["last_note"], "error": row["last_error"]}
    return result, row["last_error"] if failed else f"{name} done. {row['last_note']}".strip()


@command(db, "adopt-timescale")
def adopt_timescale(
    site: Site,
    *,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up a move that is not finished.")
    ] = False,
) -> Result:
    """Turn a plain database into one on TimescaleDB while ingest runs; run again to go on."""
    with connect(site.dsn(), autocommit=True, application="doorguard-adopt") as conn:
        move = Adoption(conn, now=datetime.now(UTC), tell=say)
        if abandon:
            move.abandon()
            return {"ok": True, "abandoned": True}, "the move is given up; nothing has changed"
        rows = move.run()
    return {"ok": True, "rows": rows}, f"events is a hypertable of {rows} rows"
