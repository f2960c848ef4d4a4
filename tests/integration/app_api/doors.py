"""The API at a home with a camera in memory: what its tests share."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.api import application
from app.api.desk import Desk
from app.embedded.ports import free_port
from core.database import Connection
from gateway import registry
from tests.contract.fake_cameras import FakeCameras
from tests.contract.fake_commands import FakeCommands

from .conftest import Api, Client

CAMERA, OTHER = "cam-own", "cam-other"
Says = dict[str, tuple[bool, dict[str, Any]] | None]


class Socket:
    """A WebSocket as these tests speak on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, told: object) -> None:
        with suppress(ConnectionClosed):  # refused before we have said a word: `ended` tells
            self._socket.send(told if isinstance(told, str) else json.dumps(told))

    def text(self) -> dict[str, Any]:
        told = self._socket.recv(timeout=20)
        assert isinstance(told, str)
        return json.loads(told)

    def picture(self) -> bytes:
        told = self._socket.recv(timeout=20)
        assert isinstance(told, bytes)
        return told

    def ended(self) -> dict[str, Any]:
        """Return the last words of the conversation, what came before left aside."""
        while True:
            told = self._socket.recv(timeout=20)
            if isinstance(told, str) and "ended" in json.loads(told):
                return json.loads(told)


@contextmanager
def served(app: FastAPI) -> Iterator[int]:
    """Serve an application on a port of this machine, in a thread."""
    config = uvicorn.Config(app, port=free_port(), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    poll = threading.Event()
    while not server.started:
        assert thread.is_alive()
        poll.wait(0.01)
    yield config.port
    server.should_exit = True
    thread.join(20)


@dataclass
class Doors:
    """`says` is what the camera of the home `own` replies to a command; done without an entry."""

    desk: Desk
    client: Client
    tokens: dict[str, str]
    commands: FakeCommands
    cameras: FakeCameras
    conn: Connection
    port: int
    says: Says = field(default_factory=dict)

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def request(self, method: str, path: str, role: str, **given: object) -> httpx.Response:
        return asyncio.run(self.client.request(method, path, headers=self.bearer(role), **given))

    def command(self, type_: str, role: str = "resident", device: str = CAMERA, **given: object):
        body = {"type": type_, **given}
        return self.request("POST", f"/v1/devices/{device}/commands", role, json=body)

    @contextmanager
    def socket(
        self, what: str, role: str, home: str = "own", device: str = CAMERA, **headers: str
    ) -> Iterator[Socket]:
        """Lend a WebSocket to a door."""
        path = f"/v1/households/{home}/devices/{device}/{what}"
        given = self.bearer(role) | headers
        with connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=given) as socket:
            yield Socket(socket)

    def log(self) -> list[tuple[str, str, str | None, Mapping[str, Any]]]:
        rows = self.conn.execute(
            "SELECT actor, action, household_id, detail FROM access_log ORDER BY n"
        ).fetchall()
        return [(row["actor"], row["action"], row["household_id"], row["detail"]) for row in rows]

    def until_asked(self, *types: str) -> None:
        """Wait until exactly these commands were sent: a socket's end is worked off behind it."""
        poll = threading.Event()
        for _ in range(1000):
            if self.asked() == list(types):
                return
            poll.wait(0.01)
        raise AssertionError(self.asked())

    def asked(self) -> list[str]:
        return [type_ for _, type_, _ in self.commands.asked]


@contextmanager
def doors_of(api: Api, conn: Connection) -> Iterator[Doors]:
    for device, home in ((CAMERA, "own"), (OTHER, "other")):
        registry.add_device(
            conn, device, household_id=home, kind="camera", now=api.desk.clock.now()
        )
    says: Says = {}

    def camera(_id: str, type_: str, _data: Mapping[str, Any]):
        return says.get(type_, (True, {"did": type_}))

    commands, cameras = FakeCommands({CAMERA: camera, OTHER: camera}), FakeCameras()
    desk = replace(api.desk, commands=commands, cameras=cameras)
    app = application.create(desk)
    with served(app) as port:
        yield Doors(desk, Client(app), api.tokens, commands, cameras, conn, port, says)
