"""One camera: its frames through the stages, its findings out. No I/O but the object store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from core.errors import DecodeError
from core.frames import Frame
from core.model import Evidence, Finding
from core.ports import ObjectStore
from detectors import evidence
from detectors.background import Background, Difference, Mask
from detectors.blobs import Box, clean, find_blobs
from detectors.config import CameraConfig
from detectors.decode import Grey, decode_grey
from detectors.dwell import State
from detectors.life import LIVE_FRACTION, Past, live_fraction
from detectors.light import SETTLE_S, is_light_change, is_lit
from detectors.sequence import Sequence, Verdict
from detectors.tracks import Track, Tracks
from detectors.zone import inside

LIFELESS_AFTER_S = 20.0  # without a sign of life: an object, taken into the background
SILENT_AFTER_S = 15.0  # without any frame
_MAX_HOLD_US = 5_000_000  # a light that never settles must not keep people for ever
_FREEZE_MARGIN = 0.06  # of the box's height around a track
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Camera:
    """Detector of one camera. Not thread-safe: one worker thread feeds it."""

    def __init__(self, device_id: str, config: CameraConfig, objects: ObjectStore) -> None:
        self.device_id = device_id
        self.config = config
        self.counters = dict.fromkeys(
            ("frames", "bad_jpegs", "late", "jumps", "light_changes", "objects", "no_evidence"), 0
        )
        self._objects = objects
        self._sequence = Sequence()
        self._ring = evidence.Ring()
        self._past = Past()
        self._tracks = Tracks()
        self._backgrounds: dict[bool, Background] = {}
        self._infrared = False
        self._shape = (0, 0)
        self._settle_until_us = 0
        self._held_since_us: int | None = None
        self._moving = False

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks as they stand, for drawing and for measuring."""
        return tuple(self._tracks.all)

    def feed(self, frame: Frame) -> list[Finding]:
        """Take the next frame; return what it lets us conclude. Never raises on any bytes."""
        try:
            grey = decode_grey(frame.jpeg)
        except DecodeError:
            self.counters["bad_jpegs"] += 1
            return []
        before_us = self._sequence.newest_us
        verdict = self._sequence.judge(frame)
        if verdict is Verdict.LATE:
            self.counters["late"] += 1
            return []
        self.counters["frames"] += 1
        findings: list[Finding] = []
        if verdict is Verdict.JUMP and before_us is not None:
            self.counters["jumps"] += 1
            findings = self._forget_people(before_us)
        if grey.shape != self._shape:
            findings += self._forget_people(before_us or frame.captured_at_us)
            self._backgrounds.clear()
            self._shape = grey.shape
        usual = verdict is Verdict.NEXT and before_us is not None
        step_s = (frame.captured_at_us - before_us) / 1e6 if usual and before_us else 0.0
        return findings + self._look(frame, grey, step_s)

    def idle(self, now_us: int) -> list[Finding]:
        """No frame came; `now_us` is the present by the camera's clock. Ends what was going on
        after `SILENT_AFTER_S`, longer than the grace: a stalled network delivers late what the
        camera saw without a gap.
        """
        newest_us = self._sequence.newest_us
        if newest_us is None or now_us - newest_us <= SILENT_AFTER_S * 1e6:
            return []
        return self._forget_people(newest_us)

    def _look(self, frame: Frame, grey: Grey, step_s: float) -> list[Finding]:
        at_us = frame.captured_at_us
        if frame.infrared != self._infrared:
            self._infrared = frame.infrared
            self._past.clear()
            self._hold(at_us)
        background = self._backgrounds.get(frame.infrared)
        if background is None:
            background = self._backgrounds[frame.infrared] = Background(grey)
        shot = self._ring.add(frame)
        frozen = self._frozen()
        seen = background.subtract(grey, frozen)
        self._past.add(at_us, grey)
        if not background.warm:
            background.learn(seen, step_s)
            self._hold(at_us)
            return []
        if is_light_change(seen, frozen):
            self.counters["light_changes"] += at_us >= self._settle_until_us
            self._settle_until_us = at_us + int(SETTLE_S * 1e6)
        if at_us < self._settle_until_us:
            self._relight(background, seen, frozen)
            self._past.clear()
            self._hold(at_us)
            return []
        self._held_since_us = None
        mask = clean(seen.mask)
        boxes = [box for box in find_blobs(mask) if self._is_somebody(box, seen, mask, at_us)]
        findings = self._follow(boxes, mask, grey, frame, shot, step_s)
        background.learn(seen, step_s, self._frozen())
        return findings + self._absorb_objects(background, seen, frame.captured_at)

    def _follow(
        self,
        boxes: list[Box],
        mask: Mask,
        grey: Grey,
        frame: Frame,
        shot: evidence.Shot,
        step_s: float,
    ) -> list[Finding]:
        at_us = frame.captured_at_us
        rows, columns = self._shape
        if not boxes and not self._tracks.all:
            return self._motion(frame.captured_at)
        around_s = min(step_s, 1.0)
        sighted = self._tracks.update(boxes, at_us, around_s)
        changed = self._past.changed(at_us, grey) if sighted else None
        for track in sighted:
            x, y = track.foot
            track.visit.place(
                at_us,
                track.foot,
                track.height,
                around_s,
                inside=inside(self.config.zone, x / columns, y / rows),
            )
            # without a picture of a second ago there is nothing to doubt
            if changed is None or live_fraction(changed, mask, track.box) >= LIVE_FRACTION:
                track.visit.live_us = at_us
            shot.boxes[track.number] = self._fractions(track.box)
        findings: list[Finding] = []
        for track in self._tracks.all:
            event = track.visit.step(
                at_us,
                self.config.loiter_after_s,
                tall=track.height >= self.config.min_height * rows,
                unseen_s=track.unseen_s(at_us),
                coast_s=track.coast_s(columns),
            )
            if event:
                findings.append(self._loiter(event, track, frame.captured_at, step_s))
        self._tracks.drop([t for t in self._tracks.all if t.visit.state is State.CLEARED])
        motion = self._motion(frame.captured_at)
        return motion + findings if self._moving else findings + motion

    def _motion(self, at: datetime) -> list[Finding]:
        """Report the first person coming and the last one going."""
        there = [t for t in self._tracks.all if t.visit.state in (State.PRESENT, State.LOITERING)]
        if bool(there) == self._moving:
            return []
        self._moving = bool(there)
        if not there:
            return [Finding(self.device_id, "motion.ended", at)]
        first = there[0]
        data = {"since": _rfc3339(first.visit.first_us), "box": self._fractions(first.box)}
        return [Finding(self.device_id, "motion.started", at, data)]

    def _loiter(self, event: str, track: Track, at: datetime, step_s: float = 0.0) -> Finding:
        visit = track.visit
        since_us = visit.since_us if visit.since_us is not None else visit.first_us
        data: dict[str, Any] = {
            "since": _rfc3339(since_us),
            "threshold_s": self.config.loiter_after_s,
            "track": track.number,
        }
        pictures: tuple[Evidence, ...] = ()
        if event == "loiter.ended":
            # they left between the last sighting and the frame after it
            last_us = (visit.zone_seen_us or track.seen_us) + int(min(step_s, 1.0) * 0.5e6)
            data["dwell_s"] = round((last_us - since_us) / 1e6, 1)
            visit.since_us, visit.escalated = None, False
        else:
            data["dwell_s"] = round((track.seen_us - since_us) / 1e6, 1)
            data["box"] = self._fractions(track.box)
            pictures = self._picture(track, data)
        return Finding(self.device_id, event, at, data, pictures)

    def _picture(self, track: Track, data: dict[str, Any]) -> tuple[Evidence, ...]:
        """Store the best picture of the track; `box` in `data` becomes the one in that picture."""
        best = self._ring.best(track.number)
        if best is None:
            return ()
        stored = evidence.store(self._objects, self.device_id, best.frame)
        if stored is None:
            self.counters["no_evidence"] += 1
            data["evidence_missing"] = "the object store is away"
            return ()
        data["box"] = best.boxes[track.number]
        return (stored,)

    def _forget_people(self, last_us: int) -> list[Finding]:
        """End every stay at `last_us`: what follows is not continuous with it."""
        at = _time(last_us)
        findings = [
            self._loiter("loiter.ended", track, at)
            for track in self._tracks.all
            if track.visit.state is State.LOITERING
        ]
        self._tracks.drop(self._tracks.all)
        self._ring.clear()
        self._past.clear()
        self._held_since_us = None
        self._settle_until_us = 0
        return findings + self._motion(at)

    def _relight(self, background: Background, seen: Difference, frozen: Mask | None) -> None:
        everywhere = np.full(self._shape, 255, np.uint8)
        background.adopt(seen, everywhere if frozen is None else everywhere - frozen)

    def _hold(self, at_us: int) -> None:
        """Keep the tracks through a time when nothing can be told, for 5 s at most."""
        if self._held_since_us is None:
            self._held_since_us = at_us
        if at_us - self._held_since_us <= _MAX_HOLD_US:
            self._tracks.hold(at_us)

    def _is_somebody(self, box: Box, seen: Difference, mask: Mask, at_us: int) -> bool:
        """A blob of a person known to be there, or one that covers the scene's edges."""
        known = any(
            track.visit.state is not State.CANDIDATE and track.expected(at_us).iou(box) > 0
            for track in self._tracks.all
        )
        return known or not is_lit(seen, mask, box)

    def _frozen(self) -> Mask | None:
        """Return 255 around every track, None when there is none."""
        if not self._tracks.all:
            return None
        frozen: Mask = np.zeros(self._shape, np.uint8)
        for track in self._tracks.all:
            frozen[track.box.grown(_FREEZE_MARGIN * track.height).window] = 255
        return frozen

    def _absorb_objects(
        self, background: Background, seen: Difference, at: datetime
    ) -> list[Finding]:
        """What has not lived for long is a thing: it becomes part of the scene."""
        findings: list[Finding] = []
        for track in list(self._tracks.all):
            visit, box = track.visit, track.box
            lifeless_us = track.seen_us - (visit.live_us or visit.first_us)
            if lifeless_us < LIFELESS_AFTER_S * 1e6:
                continue
            self.counters["objects"] += 1
            if visit.state is State.LOITERING:
                findings.append(self._loiter("loiter.ended", track, at))
            where: Mask = np.zeros(self._shape, np.uint8)
            where[box.window] = 255
            background.adopt(seen, where)
            self._tracks.drop([track])
        return findings

    def _fractions(self, box: Box) -> dict[str, float]:
        rows, columns = self._shape
        return {
            "x": round(box.x / columns, 4),
            "y": round(box.y / rows, 4),
            "w": round(box.w / columns, 4),
            "h": round(box.h / rows, 4),
        }


def _time(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _rfc3339(at_us: int) -> str:
    text = _time(at_us).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
