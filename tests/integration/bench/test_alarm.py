"""`doorguard bench alarm` on the real services: every press arrives everywhere, also under load."""

from __future__ import annotations

import pytest

from app.bench import alarm
from app.site import Site
from core.errors import ConfigurationError

pytestmark = pytest.mark.integration
STEPS = ("press_to_commit_ms", "press_to_ack_ms", "press_to_page_ms", "press_to_board_ms")


def test_presses_are_timed_to_ack_page_and_board_without_and_with_load() -> None:
    found = alarm.bench(Site(), presses=3, load=True, seed=1)
    assert found["ok"] is True
    assert found["presses"] == 3
    for figures in (found, found["loaded"]):
        assert figures["lost"] == 0
        for step in STEPS:
            spread = figures[step]
            assert 0 < spread["p50"] <= spread["p99"] <= spread["max"]
    assert found["loaded"]["events_s"] > 0
    assert found["loaded"]["events_lost"] == 0
    ratios = found["load_ratios_p99"]
    assert found["load_ratio_p99"] == max(ratios[step] for step in ("page", "board"))


def test_nothing_is_pressed_at_somebody_elses_service() -> None:
    with pytest.raises(ConfigurationError, match="services of its own"):
        alarm.bench(Site(database="postgresql://somewhere/"), presses=1, load=False, seed=1)
