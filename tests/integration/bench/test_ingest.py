"""`doorguard bench ingest` runs whole, on services of its own, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

EVENTS = 3000
KEYS = {
    "limit_rows_s",
    "writer_rows_s",
    "end_to_end_rows_s",
    "writer_ratio",
    "end_to_end_ratio",
    "cpu_us_per_event",
    "publish_to_commit_ms",
    "peak_rss_mib",
    "lost",
    "doubled",
    "out_of_order",
    "machine",
    "versions",
    "receive",
    "workers",
    "store",
}


def bench(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "bench", *words, "--json"],
        env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_figures_are_all_there_and_every_event_once(scratch: Path) -> None:
    folder = scratch / "bench"
    folder.mkdir(mode=0o755)
    found = bench(folder, "ingest", "--events", str(EVENTS), "--compare")
    assert set(found) >= KEYS
    assert found["ok"] is True
    assert found["sent"] == EVENTS
    assert found["lost"] == found["doubled"] == found["out_of_order"] == 0
    assert found["rejected"] == found["unanswered"] == 0
    assert found["limit_rows_s"] > 0
    assert found["writer_ratio"] == pytest.approx(
        found["writer_rows_s"] / found["limit_rows_s"], abs=1e-3
    )
    assert found["end_to_end_ratio"] == pytest.approx(
        found["end_to_end_rows_s"] / found["limit_rows_s"], abs=1e-3
    )
    assert 0 < found["publish_to_commit_ms"]["p50"] <= found["publish_to_commit_ms"]["p99"]
    assert found["peak_rss_mib"] > 10
    assert found["plain"]["lost"] == found["plain"]["doubled"] == 0
    assert list(folder.iterdir()) == [], "nothing is left behind"
