"""The simulated camera's half of a talk, with a WebRTC peer on the other side of a real broker."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from av import AudioFrame

from core.topics import Kind
from simulators.camera import DoorCamera
from simulators.sound import loudness
from simulators.source import encode_jpeg
from simulators.talk import _Tone
from tests.integration.simulators.conftest import make_credentials

pytestmark = pytest.mark.integration

ID = "cam-talk"


class White:
    """A white picture for ever."""

    def at(self, t_s):
        return encode_jpeg(np.full((360, 640, 3), 255, dtype=np.uint8))


@pytest.fixture
def camera(broker, backend):
    camera = DoorCamera(make_credentials(ID, broker.port), White(), fps=5)
    camera.start()
    assert camera.wait_online(10)
    assert backend.wait(lambda: backend.of(ID, Kind.FRAME))
    yield camera
    camera.stop()


def replies(backend, command_id: str) -> list[dict[str, object]]:
    found = [json.loads(payload) for payload in backend.of(ID, Kind.REPLY)]
    return [reply for reply in found if reply["id"] == command_id]


def ask(backend, command_id: str, type_: str, **data: object) -> dict[str, object]:
    expires_at = datetime.now(UTC) + timedelta(seconds=30)
    backend.command(ID, id=command_id, type=type_, data=data, expires_at=expires_at)
    assert backend.wait(lambda: replies(backend, command_id))
    return replies(backend, command_id)[0]


@asynccontextmanager
async def talking(backend):
    """A peer in a talk with the camera, under the command `offer`."""
    peer = RTCPeerConnection()
    peer.addTrack(_Tone())
    peer.addTransceiver("video", direction="recvonly")
    tracks = {}
    peer.on("track", lambda track: tracks.update({track.kind: track}))
    await peer.setLocalDescription(await peer.createOffer())
    reply = await asyncio.to_thread(
        ask, backend, "offer", "talk.offer", call="call-0001", sdp=peer.localDescription.sdp
    )
    assert reply["ok"], reply
    await peer.setRemoteDescription(RTCSessionDescription(reply["data"]["sdp"], "answer"))
    yield peer, tracks
    await peer.close()


async def until(so) -> None:
    while not so():  # noqa: ASYNC110 - a camera in another thread sets no event of this loop
        await asyncio.sleep(0.02)


async def first_loud(track) -> float:
    while True:
        frame = await track.recv()
        assert isinstance(frame, AudioFrame)
        level = loudness(frame.to_ndarray().astype(np.int16))
        if level > 0.05:
            return level


def test_both_sides_hear_each_other_and_the_picture_is_masked(backend, camera):
    mask = {"polygon": [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]}
    backend.down(ID, Kind.CONFIG, json.dumps({"version": 3, "masks": [mask]}).encode(), retain=True)
    assert backend.wait(lambda: camera.config_version == 3 or backend.of(ID, Kind.STATUS)[1:])

    async def talk() -> None:
        async with talking(backend) as (_peer, tracks), asyncio.timeout(20):
            assert await first_loud(tracks["audio"]) > 0.05
            picture = (await tracks["video"].recv()).to_ndarray(format="bgr24")
            assert picture[180:, 40:280].mean() > 240
            assert picture[:, 360:].mean() < 15
            await until(lambda: camera.talk.loudest > 0.05)

    asyncio.run(talk())


def test_a_second_talk_is_busy_and_the_first_may_be_ended(backend, camera):
    async def talk() -> None:
        async with talking(backend) as (peer, _tracks), asyncio.timeout(20):
            again = await asyncio.to_thread(
                ask, backend, "second", "talk.offer", call="call-0002", sdp="v=0"
            )
            assert (again["ok"], again["data"]["reason"]) == (False, "busy")
            other = await asyncio.to_thread(ask, backend, "no", "talk.end", call="call-0002")
            assert other["data"]["reason"] == "no such talk"
            assert (await asyncio.to_thread(ask, backend, "end", "talk.end", call="call-0001"))[
                "ok"
            ]
            await until(lambda: peer.connectionState == "closed")

    asyncio.run(talk())
    assert len(replies(backend, "offer")) == 1, "who ended it knows"


def test_the_visitor_hangs_up_and_it_is_told_under_the_offers_id(backend, camera):
    async def talk() -> None:
        async with talking(backend) as (_peer, tracks), asyncio.timeout(20):
            await first_loud(tracks["audio"])
            camera.talk.hang_up()
            assert await asyncio.to_thread(
                backend.wait, lambda: len(replies(backend, "offer")) == 2
            )

    asyncio.run(talk())
    assert replies(backend, "offer")[1]["data"] == {"ended": "hung up"}
    assert camera.talk.call is None


def test_an_offer_that_is_none_is_refused_and_leaves_the_line_free(backend, camera):
    refused = ask(backend, "bad", "talk.offer", call="call-0003", sdp="nonsense")
    assert (refused["ok"], refused["data"]["reason"]) == (False, "no talk")
    assert backend.wait(lambda: camera.talk.call is None)


def test_the_camera_may_make_the_offer(backend, camera):
    async def talk() -> None:
        peer = RTCPeerConnection()
        peer.addTrack(_Tone())
        reply = await asyncio.to_thread(ask, backend, "offer", "talk.offer", call="call-0004")
        await peer.setRemoteDescription(RTCSessionDescription(reply["data"]["sdp"], "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        answered = await asyncio.to_thread(
            ask, backend, "answer", "talk.answer",
            call="call-0004", sdp=peer.localDescription.sdp,
        )  # fmt: skip
        assert answered["ok"]
        async with asyncio.timeout(20):
            await until(lambda: camera.talk.loudest > 0.05)
        await peer.close()

    asyncio.run(talk())
