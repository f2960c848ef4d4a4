"""Live views: a camera sends to us while somebody looks, and each picture is masked on its way.

Frames are handed on and never kept. All viewers of a camera share one watch and one masking.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from app.doors.devices import Devices, DoorDevice, NotDone
from app.doors.masks import Conceal, conceal_of
from app.doors.viewer import Picture, Viewer
from core.clock import Clock
from core.commands import MAX_LIVE_S, Answer, Outcome
from core.errors import DecodeError, NotFound, TemporaryError
from core.frames import Frame
from core.ports import Cameras, Watching
from core.telemetry import REJECTS, logger

VIEW_S = MAX_LIVE_S
CAMERAS_AT_ONCE = 32
VIEWERS_OF_ONE = 8
_MASKS_EVERY_S = 2.0
_SNAPSHOT_S = 4.0
_log = logger(__name__)


class _Watched:
    """One camera and those who watch it."""

    def __init__(self, device: DoorDevice, conceal: Conceal) -> None:
        self.device = device
        self.conceal = conceal
        self.viewers: set[Viewer] = set()
        self.watching: Watching | None = None
        self.upkeep: asyncio.Task[None] | None = None
        self.live = False  # told to send; a snapshot alone does not

    def take(self, frame: Frame) -> None:
        """Mask a frame and hand it to everybody; on the watch's own thread."""
        try:
            jpeg = self.conceal(frame.jpeg)
        except DecodeError as error:
            REJECTS.labels("live", error.reason).inc()
            return
        picture = Picture(frame.number, frame.captured_at_us, jpeg)
        for viewer in tuple(self.viewers):
            viewer.offer(picture)


class Views:
    """The live views of a process; used in its event loop."""

    def __init__(self, devices: Devices, cameras: Cameras, clock: Clock) -> None:
        self._devices = devices
        self._cameras = cameras
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        # of each camera: who comes must not meet the `live.stop` of who has just left
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def enter(self, device_id: str, rate_fps: float) -> Viewer:
        """Begin to watch for `VIEW_S`; return the viewer, whose pictures come at once.

        Raises `NotDone` when the camera does not play along or too many watch, `NotFound`,
        `DecodeError` when its masks cannot be read, `BrokerAway`, `DatabaseAway`.
        """
        viewer = Viewer(device_id, self._clock.monotonic_s() + VIEW_S)
        async with self._changing[device_id]:
            watched = await self._watch(device_id, viewer)
        try:
            await self._start(watched, rate_fps)
        except BaseException:
            await self.leave(viewer)
            raise
        return viewer

    async def more(self, viewer: Viewer, rate_fps: float) -> None:
        """Go on for another `VIEW_S` from now; raises as `enter` does."""
        await self._start(self._watched[viewer.device_id], rate_fps)
        viewer.until_s = self._clock.monotonic_s() + VIEW_S

    async def leave(self, viewer: Viewer) -> None:
        """End one view; the camera is left alone when nobody watches it any more."""
        async with self._changing[viewer.device_id]:
            watched = self._watched.get(viewer.device_id)
            if watched is None or viewer not in watched.viewers:
                return
            watched.viewers.discard(viewer)
            if watched.viewers:
                return
            del self._watched[viewer.device_id]
            await self._unwatch(watched)

    async def snapshot(self, device_id: str) -> Picture:
        """Return a picture taken now; raises as `enter` does."""
        viewer = Viewer(device_id, self._clock.monotonic_s() + _SNAPSHOT_S)
        async with self._changing[device_id]:
            watched = await self._watch(device_id, viewer)
        try:
            answer = await asyncio.to_thread(self._devices.ask, watched.device, "snapshot", {})
            async with asyncio.timeout(_SNAPSHOT_S):
                return await viewer.next()
        except TimeoutError:
            silent = Answer(answer.command_id, Outcome.SILENT, reason="no picture came")
            raise NotDone(silent) from None
        finally:
            await self.leave(viewer)

    async def close(self) -> None:
        """End all views."""
        for watched in list(self._watched.values()):
            for viewer in list(watched.viewers):
                await self.leave(viewer)

    async def _watch(self, device_id: str, viewer: Viewer) -> _Watched:
        watched = self._watched.get(device_id)
        if watched is None:
            if len(self._watched) >= CAMERAS_AT_ONCE:
                raise _too_many()
            watched = await self._begin(device_id)
        elif len(watched.viewers) >= VIEWERS_OF_ONE:
            raise _too_many()
        watched.viewers.add(viewer)
        return watched

    async def _begin(self, device_id: str) -> _Watched:
        device = await asyncio.to_thread(self._devices.find, device_id)
        watched = _Watched(device, conceal_of(device))
        watched.watching = await asyncio.to_thread(self._cameras.watch, device_id, watched.take)
        watched.upkeep = asyncio.create_task(self._keep_masks(watched), name=f"masks-{device_id}")
        self._watched[device_id] = watched
        return watched

    async def _unwatch(self, watched: _Watched) -> None:
        if watched.upkeep is not None:
            watched.upkeep.cancel()
        try:
            if watched.live:
                await asyncio.to_thread(self._devices.ask, watched.device, "live.stop", {})
        except (NotDone, TemporaryError) as error:  # it stops by itself when its time is up
            _log.info(
                "a camera was not told to stop", device=watched.device.device_id, why=str(error)
            )
        finally:
            if watched.watching is not None:
                await asyncio.to_thread(watched.watching.stop)

    async def _start(self, watched: _Watched, rate_fps: float) -> None:
        watched.live = True
        data = {"rate_fps": rate_fps, "for_s": VIEW_S}
        await asyncio.to_thread(self._devices.ask, watched.device, "live.start", data)

    async def _keep_masks(self, watched: _Watched) -> None:
        """Follow the configuration: a mask that is drawn now hides from now on."""
        version = watched.device.config_version
        while True:
            await asyncio.sleep(_MASKS_EVERY_S)
            try:
                device = await asyncio.to_thread(self._devices.find, watched.device.device_id)
                if device.config_version != version:
                    watched.conceal = conceal_of(device)
                    version = device.config_version
            except (DecodeError, NotFound) as error:
                _log.warning("a view shows nothing any more", why=str(error))
                watched.conceal = _nothing
            except TemporaryError as error:
                _log.info("masks not read again", why=str(error))


def _nothing(_jpeg: bytes) -> bytes:
    raise DecodeError("masks", "it is not known what must be hidden")


def _too_many() -> NotDone:
    return NotDone(Answer("", Outcome.BUSY, reason="too many are watching at this moment"))
