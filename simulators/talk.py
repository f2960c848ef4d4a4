"""The door unit's half of a talk: WebRTC with a tone, a moving picture, and a measured ear.

Needs the extra `doorguard[talk]` (aiortc). Runs in a thread with an event loop of its own, begun by
the first offer. What is heard is measured and thrown away.
"""

from __future__ import annotations

import asyncio
import fractions
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

from simulators.device import CannotDo
from simulators.sound import FRAME_SAMPLES, RATE_HZ, loudness, tone
from simulators.source import Image

VIDEO_FPS = 12.0
CONNECT_WITHIN_S = 15.0
_TICK = fractions.Fraction(1, RATE_HZ)
_VIDEO_CLOCK_HZ = 90_000
_log = logging.getLogger(__name__)


class _Tone(MediaStreamTrack):
    """20 ms of the tone every 20 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sample = 0
        self._start_s = time.monotonic()

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._start_s + self._sample / RATE_HZ - time.monotonic()))
        frame = AudioFrame.from_ndarray(tone(self._sample)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, _TICK, self._sample
        self._sample += FRAME_SAMPLES
        return frame


class _Picture(MediaStreamTrack):
    """What the camera sees, at `VIDEO_FPS`."""

    kind = "video"

    def __init__(self, see: Callable[[], Image]) -> None:
        super().__init__()
        self._see = see
        self._number = 0
        self._start_s = time.monotonic()

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._start_s + self._number / VIDEO_FPS - time.monotonic()))
        self._number = max(self._number + 1, int((time.monotonic() - self._start_s) * VIDEO_FPS))
        frame = VideoFrame.from_ndarray(self._see(), format="bgr24")
        frame.pts = int(self._number * _VIDEO_CLOCK_HZ / VIDEO_FPS)
        frame.time_base = fractions.Fraction(1, _VIDEO_CLOCK_HZ)
        return frame


class TalkUnit:
    """One talk at a time. `see` returns the picture to send, `reply` answers a command.

    `heard` is the loudness of the last 20 ms that came, `loudest` the most of this talk, 0 to 1.
    """

    def __init__(
        self,
        see: Callable[[], Image],
        reply: Callable[..., None],  # as `Device.reply`
    ) -> None:
        self._see = see
        self._reply = reply
        self._lock = threading.Lock()
        self._call: str | None = None
        self._command_id = ""
        self._peer: RTCPeerConnection | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="talk", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.heard = 0.0
        self.loudest = 0.0
        self.heard_at_s: float | None = None  # when the first sound came, by the monotonic clock
        self.connected = threading.Event()

    @property
    def call(self) -> str | None:
        """The talk that is on."""
        return self._call

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Hang up without a word and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def offer(
        self, command_id: str, call: str, sdp: str | None, ice_servers: Sequence[dict[str, Any]]
    ) -> None:
        """Take a talk; it is answered through `reply`. Raises `CannotDo` (`busy`)."""
        with self._lock:
            if self._call is not None:
                raise CannotDo("busy", "another talk is on")
            self._call, self._command_id = call, command_id
        self.heard = self.loudest = 0.0
        self.heard_at_s = None
        self._soon(self._answer(call, sdp, ice_servers))

    def answer(self, call: str, sdp: str) -> None:
        """Take the other side's answer to an offer of ours; raises `CannotDo`."""
        self._soon(self._remote(self._of(call), RTCSessionDescription(sdp, "answer")))

    def candidate(self, call: str, line: str, mid: str | None, index: int | None) -> None:
        """Take one more way to the other side; raises `CannotDo`."""
        peer = self._of(call)
        text = line.removeprefix("candidate:")
        if not text:
            return  # there are no more
        try:
            candidate = candidate_from_sdp(text)
        except (AssertionError, ValueError, IndexError) as error:
            raise CannotDo("bad candidate", str(error)) from None
        candidate.sdpMid, candidate.sdpMLineIndex = mid, index
        self._soon(peer.addIceCandidate(candidate))

    def end(self, call: str) -> None:
        """Hang up because the other side did; raises `CannotDo`."""
        self._of(call)
        self._soon(self._close())

    def hang_up(self) -> None:
        """Hang up on this side, and say so."""
        self._soon(self._close("hung up"))

    def _of(self, call: str) -> RTCPeerConnection:
        if call != self._call or self._peer is None:
            raise CannotDo("no such talk", call)
        return self._peer

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        def begin() -> None:
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._done)

        self._loop.call_soon_threadsafe(begin)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("a talk failed: %r", error)

    async def _answer(
        self, call: str, sdp: str | None, ice_servers: Sequence[dict[str, Any]]
    ) -> None:
        servers = [RTCIceServer(**server) for server in ice_servers]
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        peer.on("track", self._on_track)
        peer.on("connectionstatechange", self._changed)
        try:
            if sdp is not None:
                await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            peer.addTrack(_Tone())
            peer.addTrack(_Picture(self._see))
            made = await (peer.createOffer() if sdp is None else peer.createAnswer())
            await peer.setLocalDescription(made)
        except Exception as error:  # noqa: BLE001 - aiortc has no tree of errors; it is answered
            self._reply(self._command_id, {"reason": "no talk", "detail": str(error)}, ok=False)
            await self._close()
            return
        self._reply(self._command_id, {"call": call, "sdp": peer.localDescription.sdp})
        self._loop.call_later(CONNECT_WITHIN_S, self._give_up, peer)

    async def _remote(self, peer: RTCPeerConnection, description: RTCSessionDescription) -> None:
        await peer.setRemoteDescription(description)

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._soon(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._hear(loudness(frame.to_ndarray().astype(np.int16, copy=False)))
        except MediaStreamError:
            self.heard = 0.0

    def _hear(self, level: float) -> None:
        self.heard = level
        self.loudest = max(self.loudest, level)
        if self.heard_at_s is None and level > 0:
            self.heard_at_s = time.monotonic()

    async def _changed(self) -> None:
        state = self._peer.connectionState if self._peer else "closed"
        if state == "connected":
            self.connected.set()
        elif state in {"failed", "closed"}:
            await self._close("connection lost")

    def _give_up(self, peer: RTCPeerConnection) -> None:
        if peer is self._peer and not self.connected.is_set():
            self._soon(self._close("no connection"))

    async def _close(self, why: str | None = None) -> None:
        """End the talk, once; `why` is told where the other side does not know."""
        with self._lock:
            peer, self._peer = self._peer, None
            command_id, self._command_id = self._command_id, ""
            self._call = None
        self.connected.clear()
        if peer is None:
            return
        if why is not None:
            self._reply(command_id, {"ended": why})
        await peer.close()
