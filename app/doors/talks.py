"""Two-way talks: offers and answers between a browser and a door unit, and the end of each talk.

Sound and picture go from one to the other and past us. What passes through here says only how they
find each other, and is forgotten with the talk.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from app.doors.devices import Devices, DoorDevice, NotDone
from core.commands import Answer, Outcome
from core.errors import TemporaryError
from core.telemetry import logger

MAX_TALK_S = 600.0
TALKS_AT_ONCE = 64
_log = logger(__name__)


class Talk:
    """One talk. `ended` comes true with why: what the unit said, `time`, or `left`."""

    def __init__(self, device: DoorDevice) -> None:
        self.device = device
        self.call = secrets.token_urlsafe(12)
        self.command_id = ""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()

    def told(self, data: Mapping[str, Any]) -> None:
        """Take a further reply of the unit, on the network's thread."""
        why = data.get("ended")
        if isinstance(why, str) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.end, why[:100])

    def end(self, why: str) -> None:
        """Note that it is over; the first reason holds."""
        if not self.ended.done():
            self.ended.set_result(why)


class Talks:
    """The talks of a process; used in its event loop."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._talks: dict[str, Talk] = {}

    async def begin(
        self, device_id: str, sdp: str, ice_servers: list[dict[str, Any]]
    ) -> tuple[Talk, str]:
        """Offer a talk to a unit; return it and the unit's answer (SDP).

        Raises `NotDone` (away, silent, busy, refused), `NotFound`, `PermanentError` for an offer
        that is too large, `BrokerAway`, `DatabaseAway`.
        """
        device = await asyncio.to_thread(self._devices.find, device_id)
        if device_id in self._talks or len(self._talks) >= TALKS_AT_ONCE:
            raise NotDone(Answer("", Outcome.BUSY, reason="somebody else is talking there"))
        talk = self._talks[device_id] = Talk(device)
        offer = {"call": talk.call, "sdp": sdp, "ice_servers": ice_servers}
        try:
            answer = await asyncio.to_thread(
                self._devices.ask, device, "talk.offer", offer, later=talk.told
            )
            talk.command_id = answer.command_id
            answered = _sdp_of(answer)
        except BaseException:
            self._forget(talk)
            raise
        talk.ended.get_loop().call_later(MAX_TALK_S, talk.end, "time")
        return talk, answered

    async def candidate(self, talk: Talk, given: Mapping[str, Any]) -> None:
        """Hand the browser's further way on to the unit; one that is not taken is one fewer."""
        try:
            await asyncio.to_thread(
                self._devices.ask, talk.device, "talk.candidate", {**given, "call": talk.call}
            )
        except NotDone as error:
            _log.info("a candidate was not taken", device=talk.device.device_id, why=str(error))

    async def end(self, talk: Talk, why: str) -> None:
        """End a talk, and tell the unit unless it said so itself."""
        over = talk.ended.done()
        talk.end(why)
        self._forget(talk)
        if over:
            return
        try:
            await asyncio.to_thread(self._devices.ask, talk.device, "talk.end", {"call": talk.call})
        except (NotDone, TemporaryError) as error:  # it hears the silence and hangs up by itself
            device_id = talk.device.device_id
            _log.info("a unit was not told to hang up", device=device_id, why=str(error))

    def _forget(self, talk: Talk) -> None:
        if self._talks.get(talk.device.device_id) is talk:
            del self._talks[talk.device.device_id]
        if talk.command_id:
            self._devices.forget(talk.command_id)


def _sdp_of(answer: Answer) -> str:
    sdp = answer.data.get("sdp")
    if not isinstance(sdp, str):
        raise NotDone(Answer(answer.command_id, Outcome.REFUSED, reason="no answer to the offer"))
    return sdp
