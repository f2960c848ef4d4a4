"""Two ingest workers under load, one killed without a word: every event once, in order."""

from __future__ import annotations

import pytest

from app.bench.drills import failover
from app.site import Site
from core.errors import ConfigurationError


def test_a_worker_killed_under_load() -> None:
    found = failover(Site(), workers=2, brokers=1, kills=1, rate=400.0)
    assert [kill["victim"] in {"ingest", "ingest-2"} for kill in found["kills"]] == [True]
    assert found["sent"] > 400
    assert found["lost"] == found["doubled"] == found["out_of_order"] == 0, found
    assert found["unanswered"] == found["rejected"] == 0, found
    assert found["ok"] is True


def test_somebody_must_be_left() -> None:
    with pytest.raises(ConfigurationError, match="--workers 2"):
        failover(Site(), workers=1, brokers=1, kills=1, rate=1.0)
