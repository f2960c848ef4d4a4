"""Two detect processes: they divide the cameras, one dies, the other goes on with its loiterers."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from app.provision import simulated
from app.status import status
from core.clock import SystemClock
from gateway import registry
from households import homes
from simulators.camera import DoorCamera
from tests.e2e.conftest import eventually
from tests.unit.detectors.scene import Scene

FPS = 5
COMES_S, LEAVES_S, AFTER_S = 8.0, 40.0, 12.0
KILL_AT_S = 14.0


@cache
def _picture(tenth: int) -> bytes:
    return Scene(person=(COMES_S, LEAVES_S)).jpeg(tenth / 10)


class Film:
    """Somebody stays at the door for longer than T, the same at every door."""

    def at(self, t_s: float) -> bytes | None:
        return _picture(round(t_s * 10)) if t_s < LEAVES_S + 12 else None


@pytest.fixture
def services() -> Iterator[Services]:
    folder = Path(tempfile.mkdtemp(prefix="doorguard-detect-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    made = Services(
        Installation(folder),
        Plan(durable=False, detect_workers=2),
        clock=SystemClock(),
        on_line=lambda _name, _line: None,
        progress=lambda _text: None,
        reachable=folder,
    )
    with made:
        made.start(("ingest", "alarms", "detect", "app"))
        yield made
    shutil.rmtree(folder)


def _parts(services: Services) -> dict[int, int]:
    """Return how many partitions each living detect process has, by process id."""
    with services.database.transaction() as conn:
        found = status(conn, SystemClock().now())
    return {
        one["pid"]: one["parts"]
        for one in found["processes"].values()
        if one["alive"] and "parts" in one
    }


def _findings(services: Services) -> list[dict[str, Any]]:
    with services.database.transaction() as conn:
        return conn.execute(
            "SELECT device_id, type, at, (data->>'dwell_s')::float AS dwell_s FROM events "
            "WHERE type LIKE 'loiter.%' ORDER BY at"
        ).fetchall()


def test_a_killed_workers_loiterers_are_found_once_by_the_other(services: Services) -> None:
    def divided() -> bool:
        alive = {services.supervisor.pid(name) for name in ("detect", "detect-2")}
        parts = _parts(services)
        return sum(parts.get(pid, 0) for pid in alive if pid) == 64 and all(
            parts.get(pid) for pid in alive if pid
        )

    eventually(divided, 30, "both have cameras")
    clock = SystemClock()
    made = {}
    with services.database.transaction() as conn:
        for number in range(4):
            name, home = f"camera-door-{number}", f"home-{number}"
            homes.add_household(conn, homes.Home(home, home, 37.5, 127.0))
            given = registry.add_device(
                conn, name, household_id=home, kind="camera", now=clock.now()
            )
            registry.configure(conn, name, {"loiter": {"after_s": AFTER_S}})
            made[name] = simulated(given, services.settings)
    cameras = [DoorCamera(one, Film(), fps=FPS) for one in made.values()]
    with ExitStack() as ending:
        for camera in cameras:
            camera.start()
            ending.callback(camera.stop)
        for camera in cameras:
            assert camera.wait_online(15)
        time.sleep(KILL_AT_S)
        victim = services.supervisor.pid("detect")
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        again = {None, victim}
        eventually(lambda: services.supervisor.pid("detect") not in again, 30, "started again")
        eventually(divided, 60, "every camera is somebody's, the restarted one has its part")
        for camera in cameras:
            assert camera.film_ended.wait(LEAVES_S + 30)

    def told(name: str) -> list[dict[str, Any]]:
        return [one for one in _findings(services) if one["device_id"] == name]

    def ended() -> bool:
        last = [told(name)[-1:] for name in made]
        return all(one and one[0]["type"] == "loiter.ended" for one in last)

    try:
        eventually(ended, 30, "every stay has ended")
    except AssertionError:
        pytest.fail(f"not every stay has ended: {_findings(services)}")
    for name in made:
        found = told(name)
        # where the machine stalls for long a stay may be cut in two; nothing is told twice
        story = ["loiter.started", "loiter.ended"] * (len(found) // 2)
        assert [one["type"] for one in found] == story, found
        # they came after COMES_S and were counted from there, over the death
        assert AFTER_S - 1 <= found[0]["dwell_s"] <= LEAVES_S - COMES_S, found
