"""The story of one incident, on a database of its own."""

from __future__ import annotations

import pytest

from core.database import Database
from tests.conftest import ManualClock
from tests.integration.alerts.story import Story


@pytest.fixture
def story(database: Database, clock: ManualClock) -> Story:
    return Story(database, clock)
