"""`doorguard bench cameras` on the real services, for a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.bench import cameras
from app.site import Site
from core.errors import ConfigurationError

pytestmark = pytest.mark.integration


def test_a_minute_of_two_cameras() -> None:
    found = cameras.bench(Site(), cameras=2, minutes=1.0, seed=1)
    frames = found["frames"]
    assert frames["lost"] == frames["shed"] == frames["bad"] == 0, found
    assert frames["looked_at"] == frames["sent"] > 400
    assert found["loiterers"]["true"] == found["loiterers"]["found"] == 2, found
    assert found["loiterers"]["false"] == 0
    assert found["cases"] == 2
    for side in ("without", "with"):
        assert found["sos"][side]["lost"] == 0
    assert "2 of 2 found" in cameras.as_text(found)


def test_truth_counts_those_who_can_be_found() -> None:
    door = cameras._Door(cameras._Loop(), 7.0)
    began = datetime(2026, 11, 22, tzinfo=UTC)
    stays = door.stays(began, began + timedelta(minutes=3))
    came = door.loop.visit.entered_s - 7.0
    assert [round((one[0] - began).total_seconds() - came) for one in stays] == [0, 60, 120]


def test_nothing_is_pressed_at_somebody_elses_service() -> None:
    with pytest.raises(ConfigurationError, match="services of its own"):
        cameras.bench(Site(database="postgresql://somewhere/"), cameras=1, minutes=1, seed=1)
