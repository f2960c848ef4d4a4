"""Looking through a door camera: the live view, a WebSocket of JPEGs, and a picture taken now.

you →  {"reason": "…", "rate_fps": 10}         why, for who has no open incident
    you →  {"more": true}                          go on for another minute
we  →  {"live": true, "until": "…"}            and again after each `more`
we  →  bytes                                   `>QI` (capture time in microseconds, number), JPEG
we  →  {"ended": "time", "detail": ""}         `app.api.sockets` has the words
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import anyio.to_thread
import msgspec
from fastapi import APIRouter, Query, Response, WebSocket

from app.accounts.permissions import Right
from app.api.commands import DeviceId
from app.api.desk import Credential, Desk, DeskDep, SocketDesk, TokenDep
from app.api.doorway import Admission, admitted, not_carried_out
from app.api.households import HomeId
from app.api.problems import responses
from app.api.sockets import (
    SEND_WITHIN_S,
    Ended,
    asking,
    conversation,
    first,
    receive,
    until_one_ends,
)
from app.doors.devices import NotDone
from app.doors.viewer import Viewer
from core.commands import MAX_RATE_FPS

MAX_REASON = 500
router = APIRouter(prefix="/v1/households/{id}/devices/{device}", tags=["door"])


class Look(msgspec.Struct, frozen=True):
    """How a view begins."""

    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)] = ""
    rate_fps: Annotated[float, msgspec.Meta(ge=1.0, le=MAX_RATE_FPS)] = 10.0


class _More(msgspec.Struct, frozen=True):
    more: bool = True


@router.websocket("/live")
async def live(socket: WebSocket, desk: SocketDesk, home: HomeId, device_id: DeviceId) -> None:
    """See the module's docstring."""
    async with conversation(socket):
        credential = asking(desk, socket)
        look = await first(socket, Look)
        await _View(desk, socket, credential, home, device_id, look).run()


class _View:
    """One browser at one camera."""

    def __init__(
        self,
        desk: Desk,
        socket: WebSocket,
        credential: Credential,
        home: str,
        device_id: str,
        look: Look,
    ) -> None:
        self._desk = desk
        self._socket = socket
        self._credential = credential
        self._home = home
        self._device_id = device_id
        self._look = look

    async def run(self) -> None:
        """Show pictures until one of both sides has enough."""
        admission = await self._admit(more=False)
        views = self._desk.views
        try:
            viewer = await views.enter(self._device_id, self._look.rate_fps)
        except NotDone as error:
            await asyncio.to_thread(not_carried_out, self._desk, admission, error)
            raise
        try:
            await self._tell_left(viewer)
            await until_one_ends(
                self._show(viewer), self._listen(viewer), self._watch_the_clock(viewer)
            )
        finally:
            await asyncio.shield(views.leave(viewer))

    async def _admit(self, *, more: bool) -> Admission:
        return await asyncio.to_thread(
            admitted, self._desk, self._credential, self._device_id, Right.LIVE,
            home=self._home, stated=self._look.reason, more=more,
        )  # fmt: skip

    async def _show(self, viewer: Viewer) -> None:
        while True:
            picture = await viewer.next()
            async with asyncio.timeout(SEND_WITHIN_S):
                await self._socket.send_bytes(picture.message())

    async def _listen(self, viewer: Viewer) -> None:
        while True:
            await receive(self._socket, _More)
            await self._admit(more=True)
            await self._desk.views.more(viewer, self._look.rate_fps)
            await self._tell_left(viewer)

    async def _watch_the_clock(self, viewer: Viewer) -> None:
        while (left_s := viewer.until_s - self._desk.clock.monotonic_s()) > 0:  # noqa: ASYNC110 - `more` moves the end
            await asyncio.sleep(min(left_s, 1.0))
        raise Ended("time")

    async def _tell_left(self, viewer: Viewer) -> None:
        left_s = viewer.until_s - self._desk.clock.monotonic_s()
        await self._socket.send_json({"live": True, "left_s": round(left_s, 1)})


@router.get(
    "/snapshot",
    summary="A picture taken now",
    response_class=Response,
    responses=responses(401, 403, 404, 409, 422, 503, 504)
    | {200: {"content": {"image/jpeg": {}}, "description": "The JPEG; its masks are applied"}},
)
async def snapshot(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    device_id: DeviceId,
    why: Annotated[str, Query(alias="reason", max_length=MAX_REASON)] = "",
) -> Response:
    """`X-Captured-At` is when it was taken, by the camera's clock, in microseconds."""
    admission = await anyio.to_thread.run_sync(
        lambda: admitted(desk, token, device_id, Right.LIVE, home=home, stated=why, snapshot=True)
    )
    try:
        picture = await desk.views.snapshot(device_id)
    except NotDone as error:
        await asyncio.to_thread(not_carried_out, desk, admission, error)
        raise
    headers = {"Cache-Control": "no-store", "X-Captured-At": str(picture.captured_at_us)}
    return Response(picture.jpeg, media_type="image/jpeg", headers=headers)
