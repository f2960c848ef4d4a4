"""Killed at the worst moment, the system starts again and nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from tests.e2e.conftest import System, eventually


def test_ingest_killed_in_the_middle_of_an_evening(system: System) -> None:
    result: dict[str, Any] = {}

    def play() -> None:
        result.update(
            system.run(
                "simulate", "--homes", "60", "--duration-s", "12", "--speed", "200", check=False
            )
        )

    evening = threading.Thread(target=play)
    with system.connect() as conn:
        before = stored(conn)
        evening.start()
        eventually(lambda: stored(conn) > before + 50, 60, "events arrive")
    for name in ("ingest", "alarms"):
        pid = system.services.supervisor.pid(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    evening.join()
    assert result["lost"] == 0, result
    assert result["doubled"] == 0, result
    assert result["unacked"] == 0, result
    assert result["ok"] is True, result
    assert result["sent"] > 100
    assert system.services.supervisor.failures("ingest") >= 1
    eventually(lambda: system.run("status", check=False)["ok"], 30, "everything runs again")


def stored(conn: Any) -> int:
    row = conn.execute("SELECT count(*) AS n FROM events").fetchone()
    return int(row["n"])
