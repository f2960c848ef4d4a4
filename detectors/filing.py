"""Cases go to the object store from a thread of their own: pictures first, the manifest last."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from core.clock import Clock
from core.errors import DecodeError, TemporaryError
from core.evidence import Manifest, Picture, Place, TrackBox, manifest_key
from core.ports import ObjectStore
from core.telemetry import SHED, logger
from detectors import evidence
from detectors.evidence import Shot
from detectors.findings import time_of
from detectors.recording import Filing

MAX_WAITING_BYTES = 256 << 20  # a dozen cases; what does not fit is counted, never waited for
_TRY_FOR_S = 120.0  # a store away for longer costs the case's pictures
_RETRY_S = 1.0
_log = logger(__name__)

Seal = Callable[[Manifest], bytes]


class Filer:
    """Stores cases in the order in which they ended; `put` never waits."""

    def __init__(self, objects: ObjectStore, clock: Clock, seal: Seal) -> None:
        self._objects = objects
        self._clock = clock
        self._seal = seal
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, Filing, int]] = deque()
        self._waiting_bytes = 0
        self._stopping = False
        self.filed = 0
        self.shed = 0
        self._thread = threading.Thread(target=self._run, name="filing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Store what waits, as far as there is time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def put(self, device_id: str, filing: Filing) -> None:
        """Queue a case."""
        size = sum(len(shot.frame.jpeg) for shot, _ in filing.shots)
        with self._changed:
            if self._waiting_bytes + size > MAX_WAITING_BYTES:
                self.shed += 1
                SHED.labels("evidence").inc()
                _log.error("a case is not stored: the store is too slow", device=device_id)
                return
            self._waiting.append((device_id, filing, size))
            self._waiting_bytes += size
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
                device_id, filing, size = self._waiting[0]
            self._file(device_id, filing)
            with self._changed:
                self._waiting.popleft()
                self._waiting_bytes -= size
                self.filed += 1

    def _file(self, device_id: str, filing: Filing) -> None:
        give_up_s = self._clock.monotonic_s() + _TRY_FOR_S
        pictures: list[Picture] = []
        for shot, moments in filing.shots:
            picture = self._picture(device_id, shot, moments, filing, give_up_s)
            if picture is not None:
                pictures.append(picture)
        alarm = filing.alarm
        manifest = Manifest(
            version=1,
            device=device_id,
            case=alarm.case,
            event=alarm.event,
            at=time_of(alarm.at_us),
            since=time_of(alarm.since_us),
            track=filing.track,
            threshold_s=alarm.threshold_s,
            zone=alarm.zone,
            complete=filing.complete,
            masked=bool(filing.masks),
            missing=len(filing.shots) - len(pictures),
            pictures=pictures,
            path=[Place(at=time_of(at_us), **box) for at_us, box in filing.path],
        )
        key = manifest_key(device_id, alarm.case)
        if not self._store(key, self._seal(manifest), max(give_up_s, self._now_s() + _RETRY_S)):
            _log.error("a case has no manifest", device=device_id, case=alarm.case)

    def _picture(
        self, device_id: str, shot: Shot, moments: list[str], filing: Filing, give_up_s: float
    ) -> Picture | None:
        frame = shot.frame
        try:
            key, sha256, body = evidence.named(device_id, frame, filing.masks)
        except DecodeError as error:
            _log.warning("a picture of a case is damaged", device=device_id, error=str(error))
            return None
        if not self._store(key, body, give_up_s):
            return None
        return Picture(
            key=key,
            sha256=sha256,
            size_bytes=len(body),
            captured_at=frame.captured_at,
            infrared=frame.infrared,
            moments=moments,
            boxes=[TrackBox(track=number, **box) for number, box in sorted(shot.boxes.items())],
        )

    def _store(self, key: str, body: bytes, give_up_s: float) -> bool:
        while True:
            try:
                self._objects.put(key, body)
            except TemporaryError as error:
                _log.warning("evidence not stored yet", key=key, error=str(error))
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _RETRY_S)
                    if self._stopping or self._now_s() >= give_up_s:
                        return False
            else:
                return True

    def _now_s(self) -> float:
        return self._clock.monotonic_s()
