"""The API on a real database: two homes, one person of each role, an injected SOS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.accounts.tokens import issue_token
from app.accounts.users import add_user
from app.api import application
from app.api.desk import Desk
from app.api.models import EventReceipt
from core.database import Connection, Database
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


@dataclass
class Api:
    client: TestClient
    desk: Desk
    tokens: dict[str, str]
    calls: Calls

    def get(self, path: str, role: str = "resident", **params: object):
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.get(path, headers=headers, params=params)

    def post(self, path: str, role: str = "resident", **headers: str):
        bearer = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.post(path, headers=bearer | headers)


@pytest.fixture
def api(database: Database, conn: Connection, clock, tmp_path: Path) -> Iterator[Api]:
    for home in ("own", "other"):
        conn.execute(
            "INSERT INTO households (household_id, name, lat, lon) VALUES (%s, %s, 37.5, 127)",
            (home, f"Home {home}"),
        )
    tokens = {}
    for role in ("resident", "operator", "administrator"):
        add_user(conn, f"the-{role}", role, ["own"] if role == "resident" else [])
        tokens[role] = issue_token(conn, f"the-{role}", clock.now())
    settings = load(
        database=database.dsn,
        broker="mqtt://127.0.0.1:1",
        service_key=KEY,
        objects=str(tmp_path / "objects"),
        public_url="http://testserver",
        state_folder=tmp_path,
    )
    calls = Calls([])
    desk = Desk(settings, database, clock, Objects(settings.objects), calls)
    client = TestClient(application.create(desk), raise_server_exceptions=False)
    yield Api(client, desk, tokens, calls)
    client.close()


@pytest.fixture
def open_incident(conn: Connection) -> Callable[[str], int]:
    def opened(home: str) -> int:
        row = conn.execute(
            "INSERT INTO incidents (household_id, kind, priority, state, opened_at, created_at)"
            " VALUES (%s, 'sos', 1, 'raised', %s, %s) RETURNING incident_id",
            (home, NOW, NOW),
        ).fetchone()
        assert row is not None
        return int(row["incident_id"])

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
