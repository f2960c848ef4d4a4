"""The database goes away under load and comes back: every event once, in order, memory flat."""

from __future__ import annotations

from app.bench.drills import outage
from app.site import Site

MEMORY_MIB = 100  # more than before; the promise of the 60 s drill, generous for a short one


def test_the_database_stopped_under_load() -> None:
    found = outage(Site(), seconds=6.0, rate=400.0)
    assert found["sent"] > 400 * 6
    assert found["lost"] == found["doubled"] == found["out_of_order"] == 0, found
    assert found["unanswered"] == found["rejected"] == 0, found
    assert found["ok"] is True
    assert found["worker_restarted"] is False
    assert found["rss_after_mib"] < found["rss_before_mib"] + MEMORY_MIB, found
