"""`doorguard up` with two ingest workers: both read, one dies, the other takes over in time."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from app.status import status
from core.clock import SystemClock
from ingest.sharing.layout import DIVIDED
from tests.e2e.conftest import eventually

WITHIN_S = 10.0


@pytest.fixture
def two_workers() -> Iterator[Services]:
    folder = Path(tempfile.mkdtemp(prefix="doorguard-workers-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    services = Services(
        Installation(folder),
        Plan(durable=False, workers=2),
        clock=SystemClock(),
        on_line=lambda _name, _line: None,
        progress=lambda _text: None,
        reachable=folder,
    )
    with services:
        services.start(("ingest",))
        yield services
    shutil.rmtree(folder)


def workers(services: Services) -> dict[int, dict[str, Any]]:
    """Return what `doorguard status` shows of each ingest worker, by process id."""
    with services.database.transaction() as conn:
        found = status(conn, SystemClock().now())
    return {
        one["pid"]: one for one in found["processes"].values() if one["alive"] and "shares" in one
    }


def test_a_dead_workers_shares_go_to_the_other_and_come_back(two_workers: Services) -> None:
    def divided() -> bool:
        now = workers(two_workers)
        alive = {two_workers.supervisor.pid(name) for name in ("ingest", "ingest-2")}
        return [now[pid]["partitions"] for pid in alive if pid in now] == [32, 32]

    eventually(divided, 30, "both read half")
    found = list(workers(two_workers).values())
    assert sorted(share for one in found for share in one["shares"]) == list(range(DIVIDED))
    assert {one["layout"] for one in found} == {DIVIDED}

    other = two_workers.supervisor.pid("ingest-2")
    victim = two_workers.supervisor.pid("ingest")
    assert victim is not None
    os.kill(victim, signal.SIGSTOP)  # it cannot even say good-bye, nor be started again at once
    began_s = time.monotonic()
    eventually(lambda: workers(two_workers)[other]["partitions"] == 64, WITHIN_S + 5.0, "takeover")
    assert time.monotonic() - began_s < WITHIN_S
    os.kill(victim, signal.SIGKILL)
    eventually(
        lambda: two_workers.supervisor.pid("ingest") not in {None, victim}, 15, "started again"
    )
    eventually(divided, 30, "and reads its half")
