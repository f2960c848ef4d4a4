"""Live views: who sees what of a camera, and that it is left alone when nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import cv2
import numpy as np
import pytest

from app.doors import views
from app.doors.devices import NotDone
from app.doors.views import VIEW_S, Views
from core.commands import Outcome
from core.errors import DecodeError, NotFound
from core.frames import Frame
from gateway import registry
from tests.integration.doors.conftest import CAMERA, Doors

pytestmark = pytest.mark.integration

LEFT_HALF = {"name": "left", "polygon": [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]}


def white(number: int) -> Frame:
    jpeg = cv2.imencode(".jpg", np.full((80, 120, 3), 255, np.uint8))[1].tobytes()
    return Frame(number, 1_700_000_000_000_000 + number, infrared=False, motion=False, jpeg=jpeg)


def seen(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture


@pytest.fixture
def play(doors: Doors, clock) -> Callable[[Callable[[Views], Awaitable[None]]], None]:
    """Run a scene with the views of a process; at its end every view is closed."""

    def run(scene: Callable[[Views], Awaitable[None]]) -> None:
        async def whole() -> None:
            hub = Views(doors.devices, doors.cameras, clock)
            try:
                async with asyncio.timeout(20):
                    await scene(hub)
            finally:
                await hub.close()
            assert doors.cameras.watched == []

        asyncio.run(whole())

    return run


def test_a_viewer_gets_the_newest_picture_and_misses_the_others(doors, play) -> None:
    async def scene(hub: Views) -> None:
        viewer = await hub.enter(CAMERA, 10.0)
        for number in (1, 2, 3):
            doors.cameras.send(CAMERA, white(number))
        picture = await viewer.next()
        assert (picture.number, viewer.missed) == (3, 2)
        assert picture.message()[12:] == picture.jpeg == white(3).jpeg
        await hub.leave(viewer)
        assert doors.asked() == ["live.start", "live.stop"]
        await hub.leave(viewer)  # again: nothing happens

    play(scene)
    assert doors.asked() == ["live.start", "live.stop"]


def test_masks_hide_before_anybody_sees(doors, conn, play) -> None:
    registry.configure(conn, CAMERA, {"masks": [LEFT_HALF]})

    async def scene(hub: Views) -> None:
        viewer = await hub.enter(CAMERA, 10.0)
        doors.cameras.send(CAMERA, white(1))
        picture = seen((await viewer.next()).jpeg)
        assert picture[:, :50].max() < 12
        assert picture[:, 70:].min() > 240

    play(scene)


def test_a_mask_drawn_while_somebody_looks_hides_from_then_on(
    doors, conn, play, monkeypatch
) -> None:
    monkeypatch.setattr(views, "_MASKS_EVERY_S", 0.02)

    async def scene(hub: Views) -> None:
        viewer = await hub.enter(CAMERA, 10.0)
        registry.configure(conn, CAMERA, {"masks": [LEFT_HALF]})
        number = 0
        while True:
            number += 1
            doors.cameras.send(CAMERA, white(number))
            if seen((await viewer.next()).jpeg)[:, :50].max() < 12:
                return
            await asyncio.sleep(0.02)

    play(scene)


def test_where_the_masks_are_not_known_nothing_is_shown(doors, conn, play) -> None:
    conn.execute("UPDATE devices SET config = '{\"masks\": 7}', config_version = 1")

    async def scene(hub: Views) -> None:
        with pytest.raises(DecodeError):
            await hub.enter(CAMERA, 10.0)

    play(scene)
    assert doors.asked() == []


def test_what_is_no_picture_is_shown_to_nobody_behind_a_mask(doors, conn, play) -> None:
    registry.configure(conn, CAMERA, {"masks": [LEFT_HALF]})

    async def scene(hub: Views) -> None:
        viewer = await hub.enter(CAMERA, 10.0)
        broken = Frame(1, 1, infrared=False, motion=False, jpeg=b"\xff\xd8\xff broken")
        doors.cameras.send(CAMERA, broken)
        doors.cameras.send(CAMERA, white(2))
        assert (await viewer.next()).number == 2

    play(scene)


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (None, Outcome.SILENT),
        ((False, {"reason": "busy"}), Outcome.BUSY),
        ((False, {"reason": "no picture"}), Outcome.REFUSED),
    ],
)
def test_a_camera_that_does_not_play_along_is_left_alone(doors, play, says, outcome) -> None:
    doors.says["live.start"] = says

    async def scene(hub: Views) -> None:
        with pytest.raises(NotDone) as told:
            await hub.enter(CAMERA, 10.0)
        assert told.value.answer.outcome is outcome
        assert doors.cameras.watched == []

    play(scene)


def test_a_camera_that_was_heard_leaving_is_away(doors, conn, play) -> None:
    doors.says["live.start"] = None
    conn.execute("INSERT INTO device_state (device_id, online) VALUES (%s, false)", (CAMERA,))

    async def scene(hub: Views) -> None:
        with pytest.raises(NotDone) as told:
            await hub.enter(CAMERA, 10.0)
        assert told.value.answer.outcome is Outcome.AWAY

    play(scene)


def test_viewers_share_a_camera_and_the_last_one_switches_it_off(doors, play) -> None:
    async def scene(hub: Views) -> None:
        first, second = await hub.enter(CAMERA, 10.0), await hub.enter(CAMERA, 5.0)
        assert doors.cameras.watched == [CAMERA]
        doors.cameras.send(CAMERA, white(1))
        assert (await first.next()).number == (await second.next()).number == 1
        await hub.leave(first)
        assert "live.stop" not in doors.asked()
        await hub.leave(second)
        assert doors.asked().count("live.stop") == 1

    play(scene)


def test_at_most_so_many_look_at_once(doors, play, monkeypatch) -> None:
    monkeypatch.setattr(views, "VIEWERS_OF_ONE", 1)

    async def scene(hub: Views) -> None:
        await hub.enter(CAMERA, 10.0)
        with pytest.raises(NotDone) as told:
            await hub.enter(CAMERA, 10.0)
        assert told.value.answer.outcome is Outcome.BUSY

    play(scene)


def test_a_view_has_an_end_and_may_be_drawn_out(doors, play, clock) -> None:
    async def scene(hub: Views) -> None:
        viewer = await hub.enter(CAMERA, 10.0)
        assert viewer.until_s == clock.monotonic_s() + VIEW_S
        clock.advance(50)
        await hub.more(viewer, 10.0)
        assert viewer.until_s == clock.monotonic_s() + VIEW_S
        assert doors.asked() == ["live.start", "live.start"]

    play(scene)


def test_a_snapshot_is_a_picture_taken_now(doors, play) -> None:
    async def scene(hub: Views) -> None:
        taking = asyncio.create_task(hub.snapshot(CAMERA))
        while "snapshot" not in doors.asked():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        doors.cameras.send(CAMERA, white(7))
        assert (await taking).number == 7

    play(scene)
    assert doors.asked() == ["snapshot"]


def test_a_device_that_is_not_there(play) -> None:
    async def scene(hub: Views) -> None:
        with pytest.raises(NotFound):
            await hub.enter("cam-nowhere", 10.0)

    play(scene)
