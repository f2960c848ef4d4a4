"""Talks: one at a time at a door, ended by either side, and each end has its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.doors import talks
from app.doors.devices import NotDone
from app.doors.talks import Talks
from core.commands import Outcome
from tests.integration.doors.conftest import CAMERA, Doors

pytestmark = pytest.mark.integration

ICE = [{"urls": ["stun:stun.example:3478"]}]


@pytest.fixture
def play(doors: Doors) -> Callable[[Callable[[Talks], Awaitable[None]]], None]:
    doors.says.setdefault("talk.offer", (True, {"sdp": "v=0 answer"}))

    def run(scene: Callable[[Talks], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with asyncio.timeout(20):
                await scene(Talks(doors.devices))

        asyncio.run(whole())

    return run


def test_an_offer_brings_the_units_answer(doors, play) -> None:
    async def scene(hub: Talks) -> None:
        talk, answer = await hub.begin(CAMERA, "v=0 offer", ICE)
        assert answer == "v=0 answer"
        await hub.candidate(talk, {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host"})
        await hub.end(talk, "left")

    play(scene)
    assert doors.asked() == ["talk.offer", "talk.candidate", "talk.end"]
    offer, candidate, end = (data for _, _, data in doors.commands.asked)
    assert (offer["sdp"], offer["ice_servers"]) == ("v=0 offer", ICE)
    assert offer["call"] == candidate["call"] == end["call"]


def test_the_unit_hangs_up(doors, play) -> None:
    async def scene(hub: Talks) -> None:
        talk, _ = await hub.begin(CAMERA, "v=0", [])
        doors.commands.tell(CAMERA, talk.command_id, {"ended": "hung up"})
        assert await talk.ended == "hung up"
        await hub.end(talk, "left")
        doors.says["talk.offer"] = (True, {"sdp": "again"})
        assert (await hub.begin(CAMERA, "v=0", []))[1] == "again", "the line is free"

    play(scene)
    assert "talk.end" not in doors.asked(), "who hung up knows"


def test_a_second_talk_at_the_same_door_is_busy(doors, play) -> None:
    async def scene(hub: Talks) -> None:
        first, _ = await hub.begin(CAMERA, "v=0", [])
        with pytest.raises(NotDone) as told:
            await hub.begin(CAMERA, "v=0", [])
        assert told.value.answer.outcome is Outcome.BUSY
        await hub.end(first, "left")
        await hub.begin(CAMERA, "v=0", [])

    play(scene)


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (None, Outcome.SILENT),
        ((False, {"reason": "busy"}), Outcome.BUSY),
        ((False, {"reason": "unsupported"}), Outcome.REFUSED),
        ((True, {}), Outcome.REFUSED),
    ],
)
def test_a_talk_that_does_not_begin_leaves_the_line_free(doors, play, says, outcome) -> None:
    doors.says["talk.offer"] = says

    async def scene(hub: Talks) -> None:
        for _ in range(2):
            with pytest.raises(NotDone) as told:
                await hub.begin(CAMERA, "v=0", [])
            assert told.value.answer.outcome is outcome

    play(scene)


def test_a_talk_has_an_end(play, monkeypatch) -> None:
    monkeypatch.setattr(talks, "MAX_TALK_S", 0.01)

    async def scene(hub: Talks) -> None:
        talk, _ = await hub.begin(CAMERA, "v=0", [])
        assert await talk.ended == "time"

    play(scene)


def test_a_unit_that_takes_no_goodbye_does_not_hold_the_line(doors, play) -> None:
    doors.says["talk.end"] = None

    async def scene(hub: Talks) -> None:
        talk, _ = await hub.begin(CAMERA, "v=0", [])
        await hub.end(talk, "left")
        await hub.begin(CAMERA, "v=0", [])

    play(scene)
