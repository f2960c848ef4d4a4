"""Beside the story of one incident: processes that really die in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.alerts.story import Story

Dies = Callable[..., None]
_CONNECTED = "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'dying'"


@pytest.fixture
def dies(story: Story) -> Dies:
    """Start an alarms process that does one thing and wait for its death by SIGKILL."""

    def run(doing: str, *, url: str = "") -> None:
        now = story.clock.now().isoformat()
        module = "tests.integration.alerts.stories.dying_process"
        process = subprocess.run(
            [sys.executable, "-m", module, doing, story.database.dsn, now, url],
            cwd=Path(__file__).parents[4],
            env={**os.environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == -signal.SIGKILL, process.stderr
        noticed = threading.Event()  # the server hears of it a moment later, and unlocks
        while story.table(_CONNECTED)[0]["n"]:
            noticed.wait(0.02)

    return run
