"""The screens on a real database, served by a process of their own.

Run as a module (`python -m tests.e2e.screens.serving PORT`) this file is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from alerts import incidents
from app.api.models import EventReceipt
from app.embedded.ports import free_port
from core.catalogue import Source
from core.clock import SystemClock
from core.database import Database
from core.model import Event
from core.objects import Objects
from core.settings import Settings, load

ROOT = Path(__file__).parents[3]
KEY = "board-test-service-key-0123456789abcdef"


def settings_of(dsn: str, port: int, folder: Path) -> Settings:
    return load(
        database=dsn,
        broker="mqtt://127.0.0.1:1",
        service_key=KEY,
        objects=str(folder / "objects"),
        public_url=f"http://127.0.0.1:{port}",
        http_port=port,
        state_folder=folder,
        second_factor="offered",
    )


def serve(port: int) -> None:
    import uvicorn  # noqa: PLC0415 - NiceGUI stays out of the tests' own process

    from app.web import build  # noqa: PLC0415

    settings = settings_of(os.environ["BOARD_DSN"], port, Path(os.environ["BOARD_FOLDER"]))
    database = Database(settings.database, application="board")
    database.open()

    def raise_sos(household: str, _actor: str, seq: int) -> EventReceipt:
        now = SystemClock().now()
        event = Event(household, now, "app", seq, Source.BACKEND, "sos.pressed", now)
        with database.transaction() as conn:
            incident = incidents.on_event(conn, event, now=now, settings=settings)
        return EventReceipt(now, incident, duplicate=False)

    app = build(settings, database, SystemClock(), Objects(settings.objects), raise_sos)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    database.close()


class Server:
    """The process that serves the board; may be stopped and started again on the same port."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = os.environ | {"BOARD_DSN": dsn, "BOARD_FOLDER": str(folder)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.screens.serving", str(self.port)],
            cwd=ROOT,
            env=self._env,
        )
        poll, deadline = threading.Event(), time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    assert json.load(answer) == {"ok": True}
                    return
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, "the server ended by itself"
                assert time.monotonic() < deadline, "the server does not answer"
                poll.wait(0.1)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(15) in (0, -signal.SIGTERM)
            self._process = None


if __name__ == "__main__":
    serve(int(sys.argv[1]))
