"""The detect process's worker: many cameras on one thread of its own, off the MQTT thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2

from core.clock import Clock
from core.errors import DecodeError, TemporaryError
from core.frames import Frame
from core.model import Finding
from core.ports import ObjectStore
from core.telemetry import QUEUED, REJECTS, SHED, logger
from detectors.camera import Camera
from detectors.config import CameraConfig, decode_config
from detectors.filing import Filer, Seal
from detectors.queues import FairQueue, Waiting
from detectors.store import PatientStore

_QUEUE = "frames"
_IDLE_EVERY_S = 1.0
_FORGET_AFTER_S = 600.0  # a camera silent for so long starts anew, its memory is given back
_OUTBOX = 1000  # findings kept while the broker is away
_STOP_S = 2.0
_log = logger(__name__)


@dataclass(slots=True)
class _Seat:
    """A camera, and the last frame's two times: by its own clock and by ours."""

    camera: Camera
    captured_us: int
    received_s: float


class DetectWorker:
    """Owns the detectors of many cameras.

    `on_frame` and `on_config` may be called from any thread and never wait for a detector.
    `publish` is called on the worker's thread; a `TemporaryError` keeps the finding for the
    next attempt, in order. After a bug on the worker's thread every method raises it, so that
    the process ends and is started again. `timezone` is that of after hours where a camera's
    configuration names none; `seal` makes of a case's manifest what is stored.
    """

    def __init__(
        self,
        objects: ObjectStore,
        clock: Clock,
        publish: Callable[[Finding], None],
        *,
        seal: Seal,
        timezone: str = "UTC",
    ) -> None:
        self._filer = Filer(objects, clock, seal)
        self._timezone = timezone
        self._objects = PatientStore(objects)
        self._clock = clock
        self._publish = publish
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._configs: dict[str, CameraConfig] = {}
        self._seats: dict[str, _Seat] = {}
        self._outbox: deque[Finding] = deque()
        self._retry_at_s = 0.0
        self._stopping = False
        self._failure: Exception | None = None
        self._totals = {"frames": 0, "shed": 0, "bad_jpegs": 0, "findings": 0}
        self._newest_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="detect", daemon=True)

    def start(self) -> None:
        cv2.setNumThreads(1)  # the cores belong to the workers, one each
        self._filer.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame in hand, drop the waiting ones; returns within 2 s."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=_STOP_S)
            self._filer.stop(_STOP_S)

    def on_frame(self, device_id: str, frame: Frame) -> None:
        """Queue a frame; under overload the camera's oldest waiting frame is dropped."""
        self._raise_failure()
        with self._changed:
            dropped = self._queue.put(device_id, Waiting(frame, self._clock.monotonic_s()))
            self._totals["shed"] += dropped
            QUEUED.labels(_QUEUE).set(len(self._queue))
            self._changed.notify()
        if dropped:
            SHED.labels(_QUEUE).inc(dropped)

    def on_config(self, device_id: str, payload: bytes) -> None:
        """Take a camera's configuration; a bad one is counted and the old one stays."""
        self._raise_failure()
        try:
            withdrawn = not payload
            config = CameraConfig() if withdrawn else decode_config(payload, self._timezone)
        except DecodeError as error:
            REJECTS.labels("config", error.reason).inc()
            _log.warning("configuration refused", device=device_id, error=str(error))
            return
        with self._changed:
            self._configs[device_id] = config

    def figures(self) -> dict[str, Any]:
        """Return the worker's state for `doorguard status`."""
        self._raise_failure()
        with self._changed:
            newest_s = self._newest_s
            return {
                "cameras": len(self._seats),
                **self._totals,
                "cases": self._filer.filed,
                "cases_shed": self._filer.shed,
                "waiting": len(self._queue),
                "unpublished": len(self._outbox),
                "latest_frame_age_s": None
                if newest_s is None
                else round(self._clock.monotonic_s() - newest_s, 1),
            }

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - raised by the next call of any method
            _log.exception("detect worker failed")
            self._failure = error

    def _serve(self) -> None:
        swept_s = self._clock.monotonic_s()
        while True:
            with self._changed:
                if not self._stopping and not len(self._queue):
                    self._changed.wait(_IDLE_EVERY_S)
                if self._stopping:
                    break
                taken = self._queue.take()
            if taken is not None:
                self._detect(*taken)
            now_s = self._clock.monotonic_s()
            if now_s - swept_s >= _IDLE_EVERY_S:
                swept_s = now_s
                self._sweep(now_s)
            self._flush(now_s)
        self._flush(self._retry_at_s)
        for device_id, seat in self._seats.items():
            for filing in seat.camera.close():
                self._filer.put(device_id, filing)

    def _detect(self, device_id: str, waiting: Waiting) -> None:
        with self._changed:
            config = self._configs.get(device_id, CameraConfig())
            seat = self._seats.get(device_id)
            if seat is None:
                camera = Camera(device_id, config, self._objects)
                seat = self._seats[device_id] = _Seat(camera, 0, 0.0)
        seat.camera.config = config
        bad = seat.camera.counters["bad_jpegs"]
        findings = seat.camera.feed(waiting.frame)
        bad = seat.camera.counters["bad_jpegs"] - bad
        if bad:
            REJECTS.labels("frame", "jpeg").inc(bad)
        else:
            seat.captured_us = waiting.frame.captured_at_us
            seat.received_s = waiting.received_s
        with self._changed:
            self._totals["frames"] += 1
            self._totals["bad_jpegs"] += bad
            self._newest_s = waiting.received_s
            QUEUED.labels(_QUEUE).set(len(self._queue))
        self._keep(findings)
        self._file(device_id, seat.camera)

    def _sweep(self, now_s: float) -> None:
        """Tell every camera how late it is by its own clock; forget the long silent ones."""
        for device_id, seat in list(self._seats.items()):
            with self._changed:
                if self._queue.waits(device_id):
                    continue  # it is we who are late
            silent_s = now_s - seat.received_s
            self._keep(seat.camera.idle(seat.captured_us + int(silent_s * 1e6)))
            self._file(device_id, seat.camera)
            if silent_s > _FORGET_AFTER_S:
                with self._changed:
                    del self._seats[device_id]

    def _file(self, device_id: str, camera: Camera) -> None:
        for filing in camera.take_filings():
            self._filer.put(device_id, filing)

    def _keep(self, findings: list[Finding]) -> None:
        for finding in findings:
            if len(self._outbox) >= _OUTBOX:
                self._outbox.popleft()
                SHED.labels("findings").inc()
                _log.error("a finding was dropped: the broker has been away too long")
            self._outbox.append(finding)

    def _flush(self, now_s: float) -> None:
        """Publish what waits, in order; stop at the first temporary error."""
        if now_s < self._retry_at_s:
            return
        while self._outbox:
            try:
                self._publish(self._outbox[0])
            except TemporaryError as error:
                self._retry_at_s = now_s + error.delay_s
                _log.warning("finding not published yet", error=str(error))
                return
            self._outbox.popleft()
            with self._changed:
                self._totals["findings"] += 1
