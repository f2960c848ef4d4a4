"""From what the dwell table says to findings with their data and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.frames import Frame
from core.model import Evidence, Finding
from core.ports import ObjectStore
from detectors import evidence
from detectors.blobs import Box
from detectors.config import CameraConfig, Zone
from detectors.health import Told
from detectors.health_states import Ill
from detectors.objects import Thing
from detectors.recording import Alarm, Recorder
from detectors.tracks import Track
from detectors.zone import Polygon

# the picture stands still on every screen, whether it is repeated or none comes
_TYPES = {ill: f"camera.{ill}" for ill in Ill} | {Ill.NO_FRAMES: "camera.frozen"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scale:
    """The working picture's size in pixels."""

    rows: int
    columns: int

    def fractions(self, box: Box) -> evidence.BoxFractions:
        return {
            "x": round(box.x / self.columns, 4),
            "y": round(box.y / self.rows, 4),
            "w": round(box.w / self.columns, 4),
            "h": round(box.h / self.rows, 4),
        }

    def zone_of(self, track: Track, config: CameraConfig) -> Zone | None:
        """Return the zone in which a track stands."""
        x, y = track.foot
        return config.zone_at(x / self.columns, y / self.rows)


_PERSON = {  # seen, doubted
    (True, False): "confirmed",
    (False, True): "unconfirmed",
    (False, False): "unchecked",
}


class Reporter:
    """Makes the findings of one camera; stores the best picture of an alarm at once and remembers
    the others (`recorder`). `masks` are black in every picture. `unstored` counts failures.
    """

    def __init__(self, device_id: str, objects: ObjectStore) -> None:
        self.recorder = Recorder()
        self.masks: tuple[Polygon, ...] = ()
        self.unstored = 0
        self.well: Frame | None = None  # the last picture while all was well with the camera
        self._device_id = device_id
        self._objects = objects

    def motion_started(self, first: Track, at: datetime, scale: Scale) -> Finding:
        data = {"since": rfc3339(first.visit.first_us), "box": scale.fractions(first.box)}
        return Finding(self._device_id, "motion.started", at, data)

    def motion_ended(self, at: datetime, data: dict[str, Any] | None = None) -> Finding:
        return Finding(self._device_id, "motion.ended", at, data or {})

    def thing(self, event: str, thing: Thing, at: datetime, scale: Scale) -> Finding:
        """Return `object.left` or `object.removed`."""
        data = {"since": rfc3339(thing.since_us), "box": scale.fractions(thing.box)}
        return Finding(self._device_id, event, at, data)

    def loiter(
        self,
        event: str,
        track: Track,
        at: datetime,
        threshold_s: float,
        zone: str = "",
        step_s: float = 0.0,
    ) -> Finding:
        """Return `loiter.started`, `loiter.updated` or `loiter.ended` of a track's visit."""
        visit = track.visit
        since_us = visit.since_us if visit.since_us is not None else visit.first_us
        data: dict[str, Any] = {
            "since": rfc3339(since_us),
            "threshold_s": threshold_s,
            "track": track.number,
        }
        if zone:
            data["zone"] = zone
        if event == "loiter.started":
            self._open_case(track, threshold_s, zone)
        if visit.case:
            data["case"] = visit.case
        if visit.checked_us is not None:
            data["person"] = _PERSON[visit.person_us is not None, visit.doubted]
        if event == "loiter.ended":
            # they left between the last sighting and the frame after it
            last_us = (visit.zone_seen_us or track.seen_us) + int(min(step_s, 1.0) * 0.5e6)
            data["dwell_s"] = round((last_us - since_us) / 1e6, 1)
            visit.since_us, visit.escalated, visit.case = None, False, ""
            return Finding(self._device_id, event, at, data)
        data["dwell_s"] = round((track.seen_us - since_us) / 1e6, 1)
        return Finding(self._device_id, event, at, data, self._picture(track, data))

    def _open_case(self, track: Track, threshold_s: float, zone: str) -> None:
        visit = track.visit
        at_us = track.seen_us
        since_us = visit.since_us if visit.since_us is not None else visit.first_us
        visit.case = f"{at_us}-{track.number}"
        news = Alarm(visit.case, "loiter.started", at_us, since_us, threshold_s, zone)
        self.recorder.alarm(track.number, news)

    def health(self, told: Told, at_us: int, frame: Frame | None = None) -> Finding:
        """Return `camera.<fault>` with the picture before it and `frame`, or `camera.restored`."""
        data: dict[str, Any] = {"since": rfc3339(told.since_us), "fault": str(told.fault)}
        if told.ended:
            data["reason"] = "learnt" if told.learnt else "as_before"
            return Finding(self._device_id, "camera.restored", time_of(at_us), data)
        if told.shift is not None:
            data["shift"] = {"right": round(told.shift[0], 3), "down": round(told.shift[1], 3)}
        after = None if told.fault is Ill.NO_FRAMES else frame
        pictures = [self._stored(one, data) for one in (self.well, after) if one is not None]
        kept = tuple(one for one in pictures if one is not None)
        return Finding(self._device_id, _TYPES[told.fault], time_of(at_us), data, kept)

    def _picture(self, track: Track, data: dict[str, Any]) -> tuple[Evidence, ...]:
        """Store the best picture of the track; `box` in `data` is the one in that picture."""
        best = self.recorder.ring.best(track.number)
        if best is None:
            return ()
        data["box"] = best.boxes[track.number]
        stored = self._stored(best.frame, data)
        return () if stored is None else (stored,)

    def _stored(self, frame: Frame, data: dict[str, Any]) -> Evidence | None:
        stored = evidence.store(self._objects, self._device_id, frame, self.masks)
        if stored is None:
            self.unstored += 1
            data["evidence_missing"] = "the object store is away"
        return stored


def time_of(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def rfc3339(at_us: int) -> str:
    text = time_of(at_us).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
