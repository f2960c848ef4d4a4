"""The API and the responder's page behind a real HTTP server on a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.accounts.tokens import issue_token
from app.accounts.users import add_user
from app.api import application
from app.api.desk import Desk
from app.api.models import EventReceipt
from app.console import responder_page
from app.console.presenting import Papers
from app.embedded.ports import free_port
from core.database import Database
from core.objects import Objects
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS, Story


class Site:
    """A story whose people come over HTTP."""

    def __init__(self, story: Story, url: str) -> None:
        self.story = story
        self.url = url
        self.tokens: dict[str, str] = {}

    def staff(self, user_id: str, role: str = "operator") -> None:
        with self.story.database.transaction() as conn:
            add_user(conn, user_id, role, [])  # type: ignore[arg-type]
            self.tokens[user_id] = issue_token(conn, user_id, self.story.clock.now())

    def post(self, path: str, user_id: str | None = None, **headers: str) -> httpx.Response:
        if user_id:
            headers["Authorization"] = f"Bearer {self.tokens[user_id]}"
        return httpx.post(self.url + path, headers=headers, trust_env=False, timeout=30)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, timeout=30)

    def refusals(self) -> list[dict[str, object]]:
        return self.story.table(
            "SELECT actor, household_id, detail FROM access_log WHERE action = 'page.refused'"
            " ORDER BY n"
        )


@pytest.fixture
def site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    def no_sos(household_id: str, actor: str, seq: int) -> EventReceipt:
        raise AssertionError("nobody presses here")

    desk = Desk(SETTINGS, database, clock, Objects(str(tmp_path / "objects")), no_sos)
    app = application.create(desk)
    app.include_router(responder_page.router(Papers(SETTINGS)))
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    pause = threading.Event()
    while not server.started:
        pause.wait(0.02)
    yield Site(Story(database, clock), f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join()
