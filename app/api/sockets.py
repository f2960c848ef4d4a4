"""WebSockets at a door: the first message, who is asking, and how each end is told in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from fastapi import WebSocket, WebSocketDisconnect
from starlette.exceptions import HTTPException

from app.api.desk import Credential, Desk, credential_of
from app.doors.devices import NotDone
from core.errors import NotFound, PermanentError, Refused, TemporaryError
from core.telemetry import logger

MAX_TEXT_BYTES = 64 * 1024
FIRST_WITHIN_S = 10.0
SEND_WITHIN_S = 15.0  # whoever takes no picture for so long is gone
_log = logger(__name__)
MessageT = TypeVar("MessageT")


class Ended(Exception):  # noqa: N818 - reads as what happened
    """It is over; `why` is a word that the page has a sentence for."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why, self.detail = why, detail


@asynccontextmanager
async def conversation(socket: WebSocket) -> AsyncIterator[None]:
    """Accept the socket; at the end tell why it ends, `{"ended": …, "detail": …}`, and close it.

    Words: `denied`, `not_found`, `signed_out`, `bad_request`, `unavailable`, of the device
    `refused`, `busy`, `silent`, `away`, and what `Ended` says.
    """
    await socket.accept()
    why, detail = "left", ""
    try:
        yield
    except WebSocketDisconnect:
        return
    except Ended as error:
        why, detail = error.why, error.detail
    except NotDone as error:
        why, detail = error.answer.outcome.value, error.answer.reason
    except NotFound as error:
        why, detail = "not_found", str(error)
    except Refused as error:
        why, detail = "denied", str(error)
    except HTTPException as error:
        why, detail = "signed_out", error.detail
    except PermanentError as error:
        why, detail = "bad_request", str(error)
    except TemporaryError as error:
        _log.warning("a door was not opened", why=str(error))
        why, detail = "unavailable", ""
    await _close(socket, why, detail)


async def _close(socket: WebSocket, why: str, detail: str) -> None:
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            await socket.send_json({"ended": why, "detail": detail})
            await socket.close()
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        return  # gone in the meantime


async def first(socket: WebSocket, kind: type[MessageT]) -> MessageT:
    """Return the message with which a conversation begins."""
    try:
        async with asyncio.timeout(FIRST_WITHIN_S):
            return await receive(socket, kind)
    except TimeoutError:
        raise Ended("bad_request", "nothing was said") from None


async def receive(socket: WebSocket, kind: type[MessageT]) -> MessageT:
    """Return the next message; raise `PermanentError` for one that is not understood."""
    text = await socket.receive_text()
    if len(text) > MAX_TEXT_BYTES:
        raise PermanentError(f"a message has at most {MAX_TEXT_BYTES} characters")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise PermanentError(str(error)) from None


def asking(desk: Desk, socket: WebSocket) -> Credential:
    """Return by what somebody is known; a page of elsewhere may not use a session's cookie."""
    origin = socket.headers.get("origin")
    ours = {socket.headers.get("host"), urlsplit(desk.settings.public_url).netloc}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise Refused("this page is not ours")
    return credential_of(socket)


async def until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until one of them ends, cancel the others, and raise what it raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
