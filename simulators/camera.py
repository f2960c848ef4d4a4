"""The door camera: frames at a rate, door events through the outbox, answers to commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from core import wire
from core.clock import Clock
from core.frames import Frame, encode_frame
from core.topics import Kind
from simulators.connection import Credentials
from simulators.device import CannotDo, Device
from simulators.mask import cover
from simulators.pace import Pace
from simulators.source import Image, Source

if TYPE_CHECKING:
    from simulators.talk import TalkUnit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GREY = np.full((360, 640, 3), 90, np.uint8)  # what a camera without a picture shows in a talk
_log = logging.getLogger(__name__)


class _Given(msgspec.Struct):
    """What stands in the data of the camera's commands, each field in its own."""

    for_s: float = 60.0
    rate_fps: float = 10.0
    message: str = "warning"
    call: str = ""
    sdp: str | None = None
    ice_servers: list[dict[str, Any]] = []
    candidate: str = ""
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


class DoorCamera(Device):
    """A door camera that looks at `source` (None: a camera that sends no frames) at `fps`.

    A frame is sent at most once and dropped, with a count, when the one before it still waits
    for the network or the picture took too long to make: frames yield to events, always.
    """

    def __init__(
        self,
        credentials: Credentials,
        source: Source | None = None,
        fps: float = 5.0,
        clock: Clock | None = None,
        *,
        memory: Path | None = None,
    ) -> None:
        super().__init__(credentials, clock, memory=memory)
        self.fps = fps
        self.frames_sent = 0
        self.frames_dropped = 0
        self.film_ended = threading.Event()
        self.started_at: datetime | None = None
        self.switched: dict[str, float] = {}  # siren, light: on until, by the monotonic clock
        self.announced: list[str] = []  # recorded messages that the speaker has played
        self.talk: TalkUnit | None = None  # made by the first offer
        self._pace = Pace(fps)
        self._hurry = threading.Event()
        self._source = source
        self._number = 0
        self._start_s = self.clock.monotonic_s()
        self._waiting: Frame | None = None
        self._last: Frame | None = None
        self._frame_lock = threading.Lock()
        self._filming = threading.Event()
        self._thread = threading.Thread(
            target=self._film, name=f"film-{credentials.device}", daemon=True
        )

    def start(self) -> None:
        """Connect and begin to film; `started_at` is the capture time of the source's second 0."""
        super().start()
        self._filming.set()
        if self._source is not None:
            self.started_at = self.clock.now()
            self._start_s = self.clock.monotonic_s()
            self._thread.start()

    def stop(self) -> None:
        self._end_film()
        super().stop()

    def power_cut(self) -> None:
        self._end_film()
        super().power_cut()

    def door_event(self, type: str, data: Mapping[str, Any] | None = None) -> int:  # noqa: A002
        """Owe a door event (`door.opened`, `bell.pressed`, `tamper.opened`, …); return its seq."""
        return self.send(type, data)

    def tick(self, now_s: float) -> float:
        look_s = super().tick(now_s)
        with self._frame_lock:
            frame, self._waiting = self._waiting, None
        if frame is not None:
            if not self.connection.congested and self.connection.publish(
                Kind.FRAME, encode_frame(frame), qos=0
            ):
                self.frames_sent += 1
            else:
                self.frames_dropped += 1
        return look_s

    def run_command(self, command: wire.Command) -> dict[str, Any] | None:
        """Do what a door camera can; `snapshot` sends the last picture again, at once."""
        try:
            given = msgspec.json.decode(command.data, type=_Given)
        except msgspec.ValidationError as error:
            raise CannotDo("bad data", str(error)) from None
        what, _, turn = command.type.partition(".")
        if what in {"siren", "light"}:
            return self._switch(what, turn, given.for_s)
        if what == "live":
            return self._live(turn, given)
        if what == "talk":
            return self._talk(turn, command.id, given)
        if command.type == "announce":
            self.announced.append(given.message)
            return {"message": given.message}
        if command.type == "snapshot":
            return self._snapshot()
        return super().run_command(command)

    def _switch(self, what: str, turn: str, for_s: float) -> dict[str, Any]:
        if turn == "off":
            self.switched.pop(what, None)
            return {}
        self.switched[what] = self.clock.monotonic_s() + for_s
        return {"for_s": for_s}

    def _live(self, turn: str, given: _Given) -> dict[str, Any]:
        if self._source is None:
            raise CannotDo("no picture", "this camera has no lens")
        with self._frame_lock:
            now_s = self._film_s()
            if turn == "stop":
                self._pace.end_live(now_s)
                return {}
            self._pace.go_live(given.rate_fps, now_s, given.for_s)
        self._hurry.set()
        return {"rate_fps": given.rate_fps, "for_s": given.for_s}

    def _talk(self, turn: str, command_id: str, given: _Given) -> dict[str, Any] | None:
        unit = self._talk_unit()
        if turn == "offer":
            unit.offer(command_id, given.call, given.sdp, given.ice_servers)
            return None  # it replies when its answer is made
        if turn == "answer":
            unit.answer(given.call, given.sdp or "")
        elif turn == "candidate":
            unit.candidate(given.call, given.candidate, given.sdp_mid, given.sdp_mline_index)
        elif turn == "end":
            unit.end(given.call)
        else:
            raise CannotDo("unsupported", f"talk.{turn}")
        return {}

    def _talk_unit(self) -> TalkUnit:
        if self.talk is None:
            try:
                from simulators.talk import TalkUnit  # noqa: PLC0415 - WebRTC is an extra
            except ImportError as error:
                raise CannotDo("unsupported", f"pip install 'doorguard[talk]': {error}") from None
            self.talk = TalkUnit(self._see, self.reply)
            self.talk.start()
        return self.talk

    def _see(self) -> Image:
        """Return the picture of a talk: the newest, masked, with a hand that goes round."""
        with self._frame_lock:
            frame = self._last
        image = (
            cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR) if frame else None
        )
        picture = np.full((360, 640, 3), 90, np.uint8) if image is None else image.astype(np.uint8)
        cover(picture, [mask.polygon for mask in self.config.masks] if self.config else [])
        high, wide = picture.shape[:2]
        angle = 2 * np.pi * (self.clock.monotonic_s() % 1.0)
        at = (wide - wide // 12, high // 9)
        tip = (int(at[0] + high / 12 * np.cos(angle)), int(at[1] + high / 12 * np.sin(angle)))
        cv2.line(picture, at, tip, (255, 255, 255), max(2, high // 120))
        return picture

    def _snapshot(self) -> dict[str, Any]:
        with self._frame_lock:
            frame = self._last
        if frame is None:
            raise CannotDo("no picture", "no picture has been taken yet")
        self.connection.publish(Kind.FRAME, encode_frame(frame), qos=0)
        return {"frame": frame.number, "captured_at": frame.captured_at.isoformat()}

    def _end_film(self) -> None:
        self._filming.clear()
        self._hurry.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.talk is not None:
            self.talk.stop()
            self.talk = None

    def _film_s(self) -> float:
        """Seconds since the film began."""
        return self.clock.monotonic_s() - self._start_s

    def _film(self) -> None:
        assert self._source is not None  # noqa: S101 - started only with a source
        assert self.started_at is not None  # noqa: S101
        while self._filming.is_set():
            with self._frame_lock:
                t_s = self._pace.due_s
            wait_s = t_s - self._film_s()
            if wait_s > 0:
                self._hurry.wait(wait_s)
                self._hurry.clear()
                continue
            jpeg = self._source.at(t_s)
            if jpeg is None:
                self.film_ended.set()
                return
            self._offer(jpeg, self.started_at + timedelta(seconds=t_s))
            with self._frame_lock:
                self.frames_dropped += self._pace.took(self._film_s())

    def _offer(self, jpeg: bytes, captured_at: datetime) -> None:
        self._number += 1
        captured_at_us = (captured_at - _EPOCH) // timedelta(microseconds=1)
        frame = Frame(self._number, captured_at_us, infrared=False, motion=False, jpeg=jpeg)
        with self._frame_lock:
            self.frames_dropped += self._waiting is not None
            self._waiting = self._last = frame
        if self._loop is not None:
            self._loop.wake(self)
