"""What runs, how far behind it is, what was rejected, and whether the path to a page is alive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerts import board, synthetic
from core import liveness
from core.database import Connection
from core.migrate import checksums
from core.topics import PARTITIONS
from ingest import rejects

_SHOWN_APART = {"alive", "process", "instance", "silent_s", "connected", "pid", "version", "up_s"}
_TEST_IS_OLD = timedelta(minutes=5)  # it runs every minute
BROKER = "broker"  # our own broker's nodes are named so; one of somebody else's tells us nothing
EXPECTED = ("alarms", "ingest", "detect", "app", "watchman")


def status(conn: Connection, now: datetime) -> dict[str, Any]:
    """Return the state of an installation.

    `ok` is False when a process is silent or without broker, a node of the broker does not serve,
    partitions of the event lane or of the cameras are nobody's, or the synthetic SOS failed or ran
    too long ago. Workers of one kind after the first stand under their own names.
    """
    processes: dict[str, dict[str, Any]] = {}
    for beat in liveness.beats(conn):
        age_s = (now - beat["beat_at"]).total_seconds()
        alive = age_s < liveness.SILENT_AFTER_S
        name = beat["process"]
        known = processes.get(name)
        if known and known["alive"]:
            if not alive:
                continue  # one that was before it, or is on its way out
            name = beat["instance"].rpartition("/")[2]  # another worker of its kind
        processes[name] = {
            "alive": alive,
            "process": beat["process"],
            "instance": beat["instance"],
            "pid": beat["pid"],
            "version": beat["version"],
            "up_s": round((beat["beat_at"] - beat["started_at"]).total_seconds()),
            "silent_s": round(age_s, 1),
            **beat["figures"],
        }
    for name in EXPECTED:
        processes.setdefault(name, {"alive": False, "process": name, "silent_s": None})
    last = synthetic.last_check(conn)
    counts = rejects.totals(conn)
    needed = [
        one
        for name, one in processes.items()
        if one["process"] in EXPECTED or name.startswith(BROKER)
    ]
    alive = all(one["alive"] and one.get("connected") for one in needed)
    read = sum(one.get("partitions", 0) for one in processes.values())
    watched = sum(one.get("parts", 0) for one in processes.values() if one["alive"])
    tested = last is None or (bool(last["ok"]) and now - last["started_at"] < _TEST_IS_OLD)
    return {
        "ok": alive and tested and min(read, watched) >= PARTITIONS,
        "processes": processes,
        "schema": {"migrations": len(checksums())},
        "database": database_kind(conn),
        "lag": {name: one.get("waiting") for name, one in processes.items() if "waiting" in one},
        "rejected": sum(row["n"] for row in counts),
        "rejects": [
            {"lane": row["lane"], "reason": row["reason"], "n": row["n"], "last_at": row["last_at"]}
            for row in counts
        ],
        "incidents": board.counts(conn),
        "synthetic_sos": last,
    }


def database_kind(conn: Connection) -> str:
    """Return which of the two stores is in use."""
    row = conn.execute(
        "SELECT extversion AS v FROM pg_extension WHERE extname = 'timescaledb'"
    ).fetchone()
    return f"TimescaleDB {row['v']}" if row else "PostgreSQL with native partitions"


def as_text(found: dict[str, Any]) -> str:
    """Return the state for a person."""
    lines = ["everything runs" if found["ok"] else "NOT EVERYTHING RUNS"]
    for name, one in sorted(found["processes"].items()):
        if not one["alive"]:
            silent = one["silent_s"]
            lines.append(f"  {name:<8} SILENT" + (f" for {silent:.0f} s" if silent else ""))
            continue
        figures = ", ".join(
            f"{key} {value}"
            for key, value in one.items()
            if key not in _SHOWN_APART and not isinstance(value, dict | None)
        )
        broker = "" if one.get("connected", True) else "  NO BROKER"
        lines.append(
            f"  {name:<8} up {one['up_s']} s, pid {one['pid']}, {one['version']}{broker}  {figures}"
        )
        for key, value in one.items():  # the worst of many: `bad_jpegs_of`, say
            if key.endswith("_of") and value:
                worst = ", ".join(f"{of} {n}" for of, n in value.items())
                lines.append(f"  {'':<8}   {key.removesuffix('_of')}: {worst}")
    lines.append(f"database   {found['database']}, {found['schema']['migrations']} migrations")
    counts = found["incidents"]
    by_priority = ", ".join(f"P{n} {counts[f'p{n}']}" for n in range(1, 5))
    lines.append(
        f"incidents  {counts['open']} open ({by_priority}), "
        f"{counts['unacknowledged']} not acknowledged"
    )
    lines.append(f"rejected   {found['rejected']}")
    lines += [f"  {row['lane']:<7} {row['reason']:<18} {row['n']}" for row in found["rejects"]]
    last = found["synthetic_sos"]
    if last is None:
        lines.append("synthetic  no synthetic SOS has run yet")
    else:
        told = (
            f"acknowledged in {last['acked_ms']} ms, paged in {last['paged_ms']} ms, on the board "
            f"in {last['board_ms']} ms"
            if last["ok"]
            else f"FAILED: {last['detail']}"
        )
        lines.append(f"synthetic  {last['started_at']:%Y-%m-%d %H:%M:%S} UTC {told}")
    return "\n".join(lines)
