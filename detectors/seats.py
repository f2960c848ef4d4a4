"""The cameras that one worker looks after, each with its state kept on disk from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.clock import Clock
from core.errors import DecodeError
from core.model import Finding
from core.ports import ObjectStore
from core.telemetry import logger
from detectors.camera import Camera
from detectors.codec import UnknownStateError
from detectors.config import CameraConfig
from detectors.person_check import Finder
from detectors.snapshots import Snapshots

SAVE_BUSY_EVERY_S = 5.0  # while somebody is there
SAVE_EVERY_S = 300.0  # 1.5 MB a camera: a disk is not to be worn out by empty doors
_LOOK_EVERY_S = 0.2
_SHARE = 0.02  # of the worker's time at most
_log = logger(__name__)


@dataclass(slots=True)
class Seat:
    """A camera, and the last frame's two times: by its own clock and by ours."""

    camera: Camera
    captured_us: int
    received_s: float
    saved_s: float
    changed: bool = False


class Seats:
    """Used on the worker's thread alone, but for `len`. Without `snapshots` nothing is kept."""

    def __init__(
        self,
        objects: ObjectStore,
        clock: Clock,
        snapshots: Snapshots | None,
        finder: Finder | None = None,
    ) -> None:
        self._finder = finder
        self._objects = objects
        self._clock = clock
        self._snapshots = snapshots
        self._seats: dict[str, Seat] = {}
        self._next_save_s = 0.0

    def __len__(self) -> int:
        return len(self._seats)

    def __iter__(self) -> Iterator[tuple[str, Seat]]:
        return iter(list(self._seats.items()))

    def of(self, device_id: str, config: CameraConfig | None) -> tuple[Seat, list[Finding]]:
        """Return the camera's seat, taken anew or from its snapshot, and the findings of then
        that may not have gone out. `config` None: none is known, the snapshot's holds.
        """
        seat = self._seats.get(device_id)
        unsure: list[Finding] = []
        if seat is None:
            now_s = self._clock.monotonic_s()
            camera = Camera(device_id, config or CameraConfig(), self._objects, self._finder)
            seat = self._seats[device_id] = Seat(camera, 0, now_s, now_s)
            unsure = self._restore(device_id, seat)
        if config is not None:
            seat.camera.config = config
        return seat, unsure

    def save_due(self, now_s: float, unsure: Callable[[str], list[Finding]]) -> None:
        """Keep the state of those whose time has come, at a small share of the worker's time."""
        if self._snapshots is None or now_s < self._next_save_s:
            return
        for device_id, seat in self:
            every_s = SAVE_BUSY_EVERY_S if seat.camera.tracks else SAVE_EVERY_S
            if seat.changed and now_s - seat.saved_s >= every_s:
                self.save(device_id, unsure(device_id))
                took_s = self._clock.monotonic_s() - now_s
                self._next_save_s = now_s + took_s / _SHARE
                return
        self._next_save_s = now_s + _LOOK_EVERY_S

    def save(self, device_id: str, unsure: list[Finding], *, patient: bool = False) -> None:
        """Keep a camera's state as it is now; `patient` waits for the disk a moment."""
        seat = self._seats.get(device_id)
        if self._snapshots is None or seat is None:
            return
        seat.saved_s, seat.changed = self._clock.monotonic_s(), False
        try:
            state = seat.camera.state()
            self._snapshots.save(device_id, state, seat.captured_us, unsure, patient=patient)
        except UnknownStateError as error:
            _log.error("a stage's state cannot be kept", device=device_id, error=str(error))

    def drop(self, device_id: str) -> None:
        """Forget the camera here; what is on disk stays."""
        self._seats.pop(device_id, None)

    def forget(self, device_id: str) -> None:
        """Forget the camera, on disk too."""
        self.drop(device_id)
        if self._snapshots is not None:
            self._snapshots.forget(device_id)

    def _restore(self, device_id: str, seat: Seat) -> list[Finding]:
        kept = self._snapshots.load(device_id) if self._snapshots is not None else None
        if kept is None:
            return []
        try:
            seat.camera.restore(kept.state)
        except DecodeError as error:
            _log.error("snapshot ignored", device=device_id, error=str(error))
            return []
        seat.captured_us = kept.captured_us
        _log.info("goes on from its snapshot", device=device_id, age_s=round(kept.age_s, 1))
        return kept.findings
