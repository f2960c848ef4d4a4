"""Alarms processes are killed while buttons are pressed: every press is paged, and recorded."""

from __future__ import annotations

import pytest

from app.bench.kill_alarms import bench
from app.site import Site


@pytest.mark.parametrize("alarms", [1, 2])
def test_no_press_is_lost_whoever_is_killed(alarms: int) -> None:
    found = bench(Site(), presses=8, kills=4, alarms=alarms, seed=alarms)
    assert found["acked"] == found["incidents"] == found["escalated"] == 8, found
    assert found["lost"] == found["pages_unrecorded"] == 0, found
    assert found["audit_problems"] == []
    assert (found["killed_for_good"] is not None) == (alarms == 2)
