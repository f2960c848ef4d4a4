"""The door camera: frames at a rate, door events through the outbox, answers to commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from core import wire
from core.clock import Clock
from core.frames import Frame, encode_frame
from core.topics import Kind
from simulators.connection import Credentials
from simulators.device import CannotDo, Device
from simulators.pace import Pace
from simulators.source import Source

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


class _Given(msgspec.Struct):
    """What stands in the data of the camera's commands, each field in its own."""

    for_s: float = 60.0
    rate_fps: float = 10.0
    message: str = "warning"


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
