"""`doorguard bench live` on the real services: every click brings a picture, and more follow."""

from __future__ import annotations

import pytest

from app.bench import live
from app.site import Site
from core.errors import ConfigurationError

pytestmark = pytest.mark.integration


def test_every_click_brings_pictures() -> None:
    found = live.bench(Site(), clicks=2, seed=1)
    assert found["ok"] is True
    assert (found["clicks"], found["lost"]) == (2, 0)
    spread = found["click_to_picture_ms"]
    assert 0 < spread["p50"] <= spread["p95"] <= spread["max"]
    assert found["pictures_s"] > 0
    assert "click to picture" in live.as_text(found)


def test_nobody_elses_doors_are_looked_through() -> None:
    with pytest.raises(ConfigurationError, match="services of its own"):
        live.bench(Site(database="postgresql://somewhere/"), clicks=1, seed=1)
