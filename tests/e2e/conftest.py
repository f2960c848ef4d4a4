"""A whole system on temporary services, started once for the tests of this folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from core.clock import SystemClock
from core.database import Connection, connect

DOORGUARD = [sys.executable, "-m", "app.cli"]


class System:
    """A running installation, driven as a person would: by the command line."""

    def __init__(self, folder: Path, services: Services, log: list[str]) -> None:
        self.folder = folder
        self.services = services
        self.log = log

    def run(self, *words: str, check: bool = True) -> dict[str, Any]:
        """Run `doorguard WORDS --data … --json` and return its JSON line."""
        done = subprocess.run(
            [*DOORGUARD, *words, "--data", str(self.folder), "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def connect(self) -> Connection:
        return connect(self.services.settings.database, autocommit=True)

    def url(self, path: str) -> str:
        return f"{self.services.settings.public_url}{path}"


def eventually(true: Callable[[], Any], within_s: float = 15.0, what: str = "") -> Any:
    """Return the first truthy answer; fail when none comes in time."""
    end_s = time.monotonic() + within_s
    while True:
        found = true()
        if found:
            return found
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what or true}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    folder = Path(tempfile.mkdtemp(prefix="doorguard-e2e-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    log: list[str] = []
    services = Services(
        Installation(folder),
        Plan(durable=False),
        clock=SystemClock(),
        on_line=lambda name, line: log.append(f"{name}: {line}"),
        progress=lambda _text: None,
        reachable=folder,
    )
    with services:
        services.start()
        yield System(folder, services, log)
    shutil.rmtree(folder)
