"""The watchman notices what nobody else can say, and calls by a line of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from app.bench.alarm_stage import Size, staged
from tests.e2e.conftest import eventually

_CALLED_WITHIN_S = 90.0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append((json.loads(body), self.headers["X-DoorGuard-Signature"]))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def engineer(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[dict[str, Any], str]]]:
    """What reaches the duty engineer's own webhook."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    server.came = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("DOORGUARD_WATCHMAN_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("DOORGUARD_WATCHMAN_SECRET", "s" * 32)
    monkeypatch.setenv("DOORGUARD_SYNTHETIC_EVERY_S", "2")
    yield server.came  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_engineer_is_called_when_the_alarms_process_is_gone(
    engineer: list[tuple[dict[str, Any], str]],
) -> None:
    with staged(size=Size(homes=1, loaders=0, cameras=0)) as stage:

        def last() -> dict[str, Any] | None:
            with stage.services.database.transaction() as conn:
                return conn.execute(
                    "SELECT * FROM synthetic_checks ORDER BY check_id DESC LIMIT 1"
                ).fetchone()

        eventually(lambda: (last() or {}).get("ok"), 30, "a check that passes")
        assert (last() or {})["board_ms"] is not None
        assert engineer == []
        stage.services.supervisor.remove("alarms")
        called, signed = eventually(lambda: engineer and engineer[0], _CALLED_WITHIN_S, "a call")
        assert called["state"] == "failing"
        assert "no ack" in called["failure"]
        assert signed.startswith("t=")
