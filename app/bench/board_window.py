"""A board as an operator's browser has it open: signed in over HTTP, connected by socket.io.

It draws nothing; it notes when something came that the browser would have drawn.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any, Self
from uuid import uuid4

import httpx
import socketio

from core.errors import TemporaryError

_CONNECTS_WITHIN_S = 20.0
_CLIENT = re.compile(r"'client_id': '([^']+)'")


class BoardWindow:
    """Used in a `with`; connected when it begins. Raises `TemporaryError`."""

    def __init__(self, url: str, user: str, password: str, code: str) -> None:
        self._url = url
        self._sign_in = {"user": user, "password": password}
        self._code = code  # a recovery code, good once
        self._updates: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("update", self._update)
        self._thread = threading.Thread(target=self._loop.run_forever, name="board-window")

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result(_CONNECTS_WITHIN_S)
        except (OSError, httpx.HTTPError, socketio.exceptions.SocketIOError, TimeoutError) as error:
            self._end()
            raise TemporaryError(f"the board does not open: {error!r}") from error
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._socket.disconnect(), self._loop).result(5.0)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connect(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=10.0) as http:
            answer = await http.post("/login", data=self._sign_in)
            if answer.status_code != httpx.codes.SEE_OTHER:
                raise TemporaryError(f"signing in at the board: HTTP {answer.status_code}")
            answer = await http.post("/login/code", data={"code": self._code})
            if answer.status_code != httpx.codes.SEE_OTHER:
                raise TemporaryError(f"the second factor at the board: HTTP {answer.status_code}")
            page = await http.get("/")
            cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        found = _CLIENT.search(page.text)
        if found is None:
            raise TemporaryError("the board's page names no client")
        client = {
            "client_id": found[1],
            "tab_id": str(uuid4()),
            "document_id": str(uuid4()),
            "next_message_id": 0,
        }
        await self._socket.connect(
            f"{self._url}?client_id={client['client_id']}",
            headers={"Cookie": cookies},
            socketio_path="/_nicegui_ws/socket.io",
            transports=["websocket"],
        )
        if await self._socket.call("handshake", client, timeout=_CONNECTS_WITHIN_S) is not True:
            raise TemporaryError("the board refused the window")

    def _update(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        with self._changed:
            self._updates.append((time.monotonic(), text))
            self._changed.notify_all()

    def forget(self) -> None:
        """Drop what came so far."""
        with self._changed:
            self._updates.clear()

    def wait_for(self, text: str, timeout_s: float) -> float | None:
        """Return the monotonic second at which something with `text` in it came; None: too late."""

        def found() -> float | None:
            return next((at_s for at_s, update in self._updates if text in update), None)

        with self._changed:
            return self._changed.wait_for(found, timeout_s)
