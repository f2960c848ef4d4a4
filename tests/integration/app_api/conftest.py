"""The API on a real database: two homes, one person of each role, an injected SOS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from alerts import incidents
from app.accounts.principal import AT_HOME, Role
from app.accounts.tokens import issue_token
from app.api import application
from app.api.desk import Desk
from app.api.models import EventReceipt
from core.catalogue import Source
from core.database import Connection, Database
from core.model import Event
from core.objects import Objects
from core.settings import load

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
KEY = "api-test-service-key-0123456789abcdefgh"


@dataclass
class Calls:
    """What reached the injected `raise_sos`."""

    seen: list[tuple[str, str, int]]

    def __call__(self, household_id: str, actor: str, seq: int) -> EventReceipt:
        duplicate = (household_id, actor, seq) in self.seen
        self.seen.append((household_id, actor, seq))
        return EventReceipt(NOW, None, duplicate)


class Client:
    """Speaks to the application in this process, as a peer from elsewhere."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def request(self, method: str, path: str, **given: object) -> httpx.Response:
        transport = httpx.ASGITransport(
            self._app, raise_app_exceptions=False, client=("203.0.113.7", 4711)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **given)

    def get(self, path: str, **given: object) -> httpx.Response:
        return asyncio.run(self.request("GET", path, **given))

    def post(self, path: str, **given: object) -> httpx.Response:
        return asyncio.run(self.request("POST", path, **given))


@dataclass
class Api:
    client: Client
    desk: Desk
    tokens: dict[str, str]
    calls: Calls

    def get(self, path: str, role: str = "resident", **params: object):
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.get(path, headers=headers, params=params)

    def post(self, path: str, role: str = "resident", **headers: str):
        bearer = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.post(path, headers=bearer | headers)


def put_user(
    conn: Connection, user_id: str, role: Role, homes: list[str], district: str = ""
) -> None:
    """Add somebody who comes by token or session; without the work of Argon2."""
    conn.execute(
        "INSERT INTO users (user_id, role, district, password_argon2) VALUES (%s, %s, %s, '')",
        (user_id, role, district),
    )
    for home in homes:
        conn.execute("INSERT INTO user_households VALUES (%s, %s)", (user_id, home))


@pytest.fixture
def api(database: Database, conn: Connection, clock, tmp_path: Path) -> Api:
    for home in ("own", "other"):
        conn.execute(
            "INSERT INTO households (household_id, name, district, lat, lon)"
            " VALUES (%s, %s, 'Mapo-gu', 37.5, 127)",
            (home, f"Home {home}"),
        )
    tokens = {}
    for role in Role:
        put_user(
            conn,
            f"the-{role}",
            role,
            ["own"] if role in AT_HOME else [],
            district="Mapo-gu" if role is Role.OFFICER else "",
        )
        tokens[role.value] = issue_token(conn, f"the-{role}", clock.now())
    settings = load(
        database=database.dsn,
        broker="mqtt://127.0.0.1:1",
        service_key=KEY,
        objects=str(tmp_path / "objects"),
        public_url="http://testserver",
        state_folder=tmp_path,
        second_factor="offered",
    )
    calls = Calls([])
    desk = Desk(settings, database, clock, Objects(settings.objects), calls)
    return Api(Client(application.create(desk)), desk, tokens, calls)


@pytest.fixture
def open_incident(api: Api, conn: Connection) -> Callable[[str], int]:
    def opened(home: str) -> int:
        event = Event(home, NOW, f"button-{home}", 1, Source.DEVICE, "sos.pressed", NOW)
        with conn.transaction():
            incident = incidents.on_event(conn, event, now=NOW, settings=api.desk.settings)
        assert incident is not None
        return incident

    return opened


@pytest.fixture
def put_event(conn: Connection) -> Callable[..., None]:
    def put(
        home: str,
        at: datetime,
        seq: int,
        *,
        device: str = "door-1",
        event_type: str = "door.opened",
        source: str = "device",
        data: str = "{}",
    ) -> None:
        conn.execute(
            "INSERT INTO events (household_id, at, device_id, seq, source, type, received_at, data)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (home, at, device, seq, source, event_type, at, data),
        )

    return put


def caller(api, usual_role: str):
    """Return what asks as a role, at the own home where the path names none."""

    def asked(method: str, path: str, role: str = usual_role, **given: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api.tokens[role]}"}
        path = path if path.startswith("/v1") else f"/v1/households/own{path}"
        return asyncio.run(api.client.request(method, path, headers=headers, **given))

    return asked
