"""The detect process's worker: many cameras on one thread of its own, off the MQTT thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import cv2

from core.catalogue import CATALOGUE
from core.clock import Clock
from core.errors import DecodeError
from core.frames import Frame
from core.model import Finding
from core.ports import ObjectStore
from core.telemetry import QUEUED, REJECTS, SHED, logger
from core.topics import part_of
from detectors.camera import Camera
from detectors.config import CameraConfig, decode_config
from detectors.filing import Filer, Seal
from detectors.outbox import Outbox
from detectors.person_check import Finder
from detectors.queues import FairQueue, Waiting
from detectors.seats import Seats
from detectors.snapshots import Snapshots
from detectors.store import PatientStore

_QUEUE = "frames"
_IDLE_EVERY_S = 1.0
_FORGET_AFTER_S = 600.0  # a camera silent for so long starts anew, its memory is given back
_STOP_S = 2.0
_CLOSE_S = 5.0  # 10 ms a camera; a process has 10 s to end
_LET_GO_S = 5.0
_WORST = 5  # cameras named in the figures
_log = logger(__name__)


class DetectWorker:
    """Owns the detectors of many cameras.

    `on_frame` and `on_config` may be called from any thread and never wait for a detector.
    `publish` is called on the worker's thread; a `TemporaryError` keeps the finding for the
    next attempt, in order. After a bug on the worker's thread every method raises it, so that
    the process ends and is started again. `timezone` is that of after hours where a camera's
    configuration names none; `seal` makes of a case's manifest what is stored.
    `finder` is the person check's, if there is one.
    """

    def __init__(
        self,
        objects: ObjectStore,
        clock: Clock,
        publish: Callable[[Finding], None],
        *,
        seal: Seal,
        snapshots: Snapshots | None = None,
        timezone: str = "UTC",
        finder: Finder | None = None,
    ) -> None:
        self._clock = clock
        self._timezone = timezone
        self._filer = Filer(objects, clock, seal)
        self._outbox = Outbox(clock, publish)
        self._snapshots = snapshots
        self._seats = Seats(PatientStore(objects), clock, snapshots, finder)
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._configs: dict[str, CameraConfig] = {}
        self._stopping = False
        self._failure: Exception | None = None
        self._totals = {"frames": 0, "shed": 0, "bad_jpegs": 0, "findings": 0}
        self._shed: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._newest_s: float | None = None
        self._leaving: frozenset[int] = frozenset()
        self._thread = threading.Thread(target=self._run, name="detect", daemon=True)

    def start(self) -> None:
        cv2.setNumThreads(1)  # the cores belong to the workers, one each
        self._filer.start()
        if self._snapshots is not None:
            self._snapshots.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame in hand, drop the waiting ones, keep every camera's state."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=_CLOSE_S)
            if self._snapshots is not None:
                self._snapshots.stop(_STOP_S)
            self._filer.stop(_STOP_S)

    def let_go(self, parts: frozenset[int]) -> None:
        """Give up the cameras of these partitions; return when another may go on with them."""
        self._raise_failure()
        with self._changed:
            self._leaving |= parts
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._leaving & parts, _LET_GO_S)

    def on_frame(self, device_id: str, frame: Frame) -> None:
        """Queue a frame; under overload the camera's oldest waiting frame is dropped."""
        self._raise_failure()
        with self._changed:
            dropped = self._queue.put(device_id, Waiting(frame, self._clock.monotonic_s()))
            self._totals["shed"] += dropped
            if dropped:
                self._shed[device_id] += dropped
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
        """Return the worker's state for `doorguard status`; per camera the worst are named."""
        self._raise_failure()
        with self._changed:
            newest_s = self._newest_s
            found: dict[str, Any] = {
                "cameras": len(self._seats),
                **self._totals,
                "cases": self._filer.filed,
                "cases_shed": self._filer.shed,
                "waiting": len(self._queue),
                "unpublished": len(self._outbox),
                "latest_frame_age_s": None
                if newest_s is None
                else round(self._clock.monotonic_s() - newest_s, 1),
                "shed_of": dict(self._shed.most_common(_WORST)),
                "bad_jpegs_of": dict(self._bad.most_common(_WORST)),
            }
            if self._snapshots is not None:
                found["snapshots"] = self._snapshots.saved
                found["snapshots_failed"] = self._snapshots.failed
            return found

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
                leaving = self._leaving
                taken = None if leaving else self._queue.take()
                if taken is None and not leaving and not self._stopping:
                    self._changed.wait(_IDLE_EVERY_S)
                if self._stopping:
                    break
            if leaving:
                self._give_up(leaving)
            elif taken is not None:
                self._detect(*taken)
            now_s = self._clock.monotonic_s()
            if now_s - swept_s >= _IDLE_EVERY_S:
                swept_s = now_s
                self._sweep(now_s)
            self._seats.save_due(now_s, self._outbox.unsure)
            self._flushed(self._outbox.flush(now_s))
        self._flushed(self._outbox.last_try())
        for device_id, seat in self._seats:
            self._close(device_id, seat.camera)

    def _give_up(self, parts: frozenset[int]) -> None:
        """Leave cameras to another worker: all that is known of them goes to disk."""
        with self._changed:
            self._queue.drop(lambda device_id: part_of(device_id) in parts)
        self._flushed(self._outbox.last_try())
        for device_id, seat in self._seats:
            if part_of(device_id) in parts:
                self._close(device_id, seat.camera)
                self._seats.drop(device_id)
        if self._snapshots is not None:
            self._snapshots.wait_written(_STOP_S)
        with self._changed:
            self._leaving -= parts
            self._changed.notify_all()

    def _close(self, device_id: str, camera: Camera) -> None:
        # in an orderly end the session still hands over what it took
        self._seats.save(device_id, self._outbox.unsent(device_id), patient=True)
        for filing in camera.close():
            self._filer.put(device_id, filing)

    def _detect(self, device_id: str, waiting: Waiting) -> None:
        with self._changed:
            config = self._configs.get(device_id)
        seat, unsure = self._seats.of(device_id, config)
        self._outbox.put(unsure)
        bad = seat.camera.counters["bad_jpegs"]
        findings = seat.camera.feed(waiting.frame)
        bad = seat.camera.counters["bad_jpegs"] - bad
        if bad:
            REJECTS.labels("frame", "jpeg").inc(bad)
        else:
            seat.captured_us = waiting.frame.captured_at_us
            seat.received_s = waiting.received_s
            seat.changed = True
        with self._changed:
            self._totals["frames"] += 1
            self._totals["bad_jpegs"] += bad
            if bad:
                self._bad[device_id] += bad
            self._newest_s = waiting.received_s
            QUEUED.labels(_QUEUE).set(len(self._queue))
        self._report(device_id, seat.camera, findings)

    def _sweep(self, now_s: float) -> None:
        """Tell every camera how late it is by its own clock; forget the long silent ones, but
        for those that are to be told restored when they are back.
        """
        for device_id, seat in self._seats:
            with self._changed:
                if self._queue.waits(device_id):
                    continue  # it is we who are late
            silent_s = now_s - seat.received_s
            findings = seat.camera.idle(seat.captured_us + int(silent_s * 1e6))
            self._report(device_id, seat.camera, findings)
            if silent_s > _FORGET_AFTER_S and not seat.camera.at_fault:
                self._seats.forget(device_id)

    def _report(self, device_id: str, camera: Camera, findings: list[Finding]) -> None:
        """Queue what was found. An alarm is on disk before it goes out: whoever goes on from
        there says the same once more at most, under the same number.
        """
        self._outbox.put([self._outbox.number(finding) for finding in findings])
        if any(CATALOGUE[finding.type].alarm for finding in findings):
            self._seats.save(device_id, self._outbox.unsure(device_id))
        for filing in camera.take_filings():
            self._filer.put(device_id, filing)

    def _flushed(self, count: int) -> None:
        with self._changed:
            self._totals["findings"] += count
