"""Talking at a door: WebRTC between a browser and the door unit, signalled over a WebSocket.

    you →  {"reason": "…"}                          why, for who has no open incident
    we  →  {"ice_servers": […]}                     how the two sides may find each other
    you →  {"offer": "…"}                           SDP; then any number of {"candidate": …}
    we  →  {"answer": "…"}                          the unit's SDP
    we  →  {"ended": "hung up", "detail": ""}       `app.api.sockets` has the words

Sound and picture go past the service. Closing the socket hangs up.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, WebSocket

from app.accounts.permissions import Right
from app.api.commands import DeviceId
from app.api.desk import SocketDesk
from app.api.doorway import admitted, not_carried_out
from app.api.households import HomeId
from app.api.live import MAX_REASON
from app.api.sockets import Ended, asking, conversation, first, receive, until_one_ends
from app.doors.devices import NotDone
from app.doors.talks import Talk, Talks
from app.doors.turn import ice_servers

router = APIRouter(prefix="/v1/households/{id}/devices/{device}", tags=["door"])


class _Why(msgspec.Struct, frozen=True):
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)] = ""


class _Offer(msgspec.Struct, frozen=True):
    offer: Annotated[str, msgspec.Meta(min_length=1, max_length=32_768)]


class _Candidate(msgspec.Struct, frozen=True):
    """As a browser has it; an empty one says that there are no more."""

    candidate: Annotated[str, msgspec.Meta(max_length=2048)]
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


@router.websocket("/talk")
async def talk(socket: WebSocket, desk: SocketDesk, home: HomeId, device_id: DeviceId) -> None:
    """See the module's docstring."""
    async with conversation(socket):
        credential = asking(desk, socket)
        why = await first(socket, _Why)
        admission = await asyncio.to_thread(
            admitted, desk, credential, device_id, Right.TALK, home=home, stated=why.reason
        )
        servers = ice_servers(desk.settings, admission.who.user_id, desk.clock.now())
        await socket.send_json({"ice_servers": servers})
        offer = await first(socket, _Offer)
        try:
            begun, answer = await desk.talks.begin(device_id, offer.offer, servers)
        except NotDone as error:
            await asyncio.to_thread(not_carried_out, desk, admission, error)
            raise
        try:
            await socket.send_json({"answer": answer})
            await until_one_ends(_candidates(socket, desk.talks, begun), _end(begun))
        finally:
            await asyncio.shield(desk.talks.end(begun, "left"))


async def _candidates(socket: WebSocket, talks: Talks, begun: Talk) -> None:
    while True:
        given: dict[str, Any] = msgspec.to_builtins(await receive(socket, _Candidate))
        if given["candidate"]:
            await talks.candidate(begun, given)


async def _end(begun: Talk) -> None:
    raise Ended(await asyncio.shield(begun.ended))
