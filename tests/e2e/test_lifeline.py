"""The database is stopped, buttons are pressed, the alarms process is killed; all comes in once."""

from __future__ import annotations

from app.bench.lifeline import bench
from app.bench.testbed import How
from app.site import Site


def test_presses_without_a_database_are_paged_and_recorded_once() -> None:
    found = bench(Site(), presses=5, away_s=4.0, how=How.STOPPED, kill=True)
    assert found["acked"] == found["incidents"] == 5, found
    assert found["lost"] == found["pages_unrecorded"] == found["pages_doubled"] == 0, found
    assert found["audit_problems"] == []
    assert found["people_ok"], found["people"]
