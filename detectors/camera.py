"""One camera: its frames through the stages, its findings out. No I/O but the object store."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from core.errors import DecodeError
from core.frames import Frame
from core.model import Finding
from core.ports import ObjectStore
from detectors import evidence
from detectors.background import Mask
from detectors.blobs import Box
from detectors.config import CameraConfig
from detectors.decode import Grey, decode_grey
from detectors.dwell import State
from detectors.findings import Reporter, Scale, time_of
from detectors.foreground import Foreground, View
from detectors.life import LIVE_FRACTION, Past, live_fraction
from detectors.light import is_lit
from detectors.sequence import Sequence, Verdict
from detectors.tracks import Track, Tracks
from detectors.visits import REPEATED, Visits
from detectors.zone import inside

LIFELESS_AFTER_S = 20.0  # without a sign of life: an object, taken into the background
SILENT_AFTER_S = 15.0  # without any frame
_MAX_HOLD_US = 5_000_000  # a light that never settles must not keep people for ever
_CARRIED_LIFE_S = 2.0  # of visible life: carried over into the other mode's first model
_FREEZE_MARGIN = 0.06  # of the box's height around a track


class Camera:
    """Detector of one camera. Not thread-safe: one worker thread feeds it."""

    def __init__(self, device_id: str, config: CameraConfig, objects: ObjectStore) -> None:
        self.device_id = device_id
        self.config = config
        self._counts = dict.fromkeys(("frames", "bad_jpegs", "late", "jumps", "objects"), 0)
        self._reporter = Reporter(device_id, objects)
        self._sequence = Sequence()
        self._past = Past()
        self._tracks = Tracks()
        self._foreground = Foreground()
        self._infrared = False
        self._scale = Scale(0, 0)
        self._held_since_us: int | None = None
        self._moving = False
        self._visits = Visits()

    @property
    def counters(self) -> dict[str, int]:
        """What happened so far, by name."""
        return {
            **self._counts,
            "ghosts": self._foreground.ghosts,
            "no_evidence": self._reporter.unstored,
        }

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks as they stand, for drawing and for measuring."""
        return tuple(self._tracks.all)

    def feed(self, frame: Frame) -> list[Finding]:
        """Take the next frame; return what it lets us conclude. Never raises on any bytes."""
        try:
            grey = decode_grey(frame.jpeg)
        except DecodeError:
            self._counts["bad_jpegs"] += 1
            return []
        before_us = self._sequence.newest_us
        verdict = self._sequence.judge(frame)
        if verdict is Verdict.LATE:
            self._counts["late"] += 1
            return []
        self._counts["frames"] += 1
        findings: list[Finding] = []
        if verdict is Verdict.JUMP and before_us is not None:
            self._counts["jumps"] += 1
            findings = self._forget_people(before_us)
            if frame.captured_at_us < before_us:
                self._visits.clear()
        scale = Scale(*grey.shape)
        if scale != self._scale:
            findings += self._forget_people(before_us or frame.captured_at_us)
            self._foreground.forget()
            self._scale = scale
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
        shot = self._reporter.ring.add(frame)
        # who is doubtful is not carried into a model that is being made
        known = self._foreground.knows(infrared=frame.infrared)
        frozen = self._frozen(0.0 if known else _CARRIED_LIFE_S)
        if frame.infrared != self._infrared:
            self._infrared = frame.infrared
            self._past.clear()
            self._hold(at_us)
        view = self._foreground.look(grey, step_s, frozen, infrared=frame.infrared)
        if view is None:
            self._past.clear()
            self._hold(at_us)
            return []
        self._past.add(at_us, grey)
        self._held_since_us = None
        findings = self._follow(view, grey, frame, shot, step_s)
        self._foreground.learn(view, step_s, self._frozen())
        return findings + self._take_in_objects(view, frame.captured_at)

    def _follow(
        self, view: View, grey: Grey, frame: Frame, shot: evidence.Shot, step_s: float
    ) -> list[Finding]:
        at_us = frame.captured_at_us
        scale = self._scale
        boxes = [
            box
            for box in view.boxes
            if self._is_known(box, at_us) or not is_lit(view.difference, view.mask, box)
        ]
        if not boxes and not self._tracks.all:
            return self._motion(at_us)
        around_s = min(step_s, 1.0)
        sighted = self._tracks.update(boxes, at_us, around_s)
        places = [track.box for track in sighted]
        changed = self._past.changed(at_us, grey, view.limit, places) if places else None
        for track in sighted:
            x, y = track.foot
            track.visit.place(
                at_us,
                track.foot,
                track.height,
                around_s,
                inside=inside(self.config.zone, x / scale.columns, y / scale.rows),
            )
            # without a picture of a second ago there is nothing to doubt
            alive = changed is None or live_fraction(changed, view.mask, track.box) >= LIVE_FRACTION
            tall = track.box.h >= self.config.min_height * scale.rows
            track.show_life(at_us, around_s, alive=alive, tall=tall)
            shot.boxes[track.number] = scale.fractions(track.box)
        findings: list[Finding] = []
        for track in self._tracks.all:
            event = track.visit.step(
                at_us,
                self.config.loiter_after_s,
                tall=track.height >= self.config.min_height * scale.rows,
                unseen_s=track.unseen_s(at_us),
                coast_s=track.coast_s(scale.columns),
            )
            if event:
                findings.append(self._loiter(event, track, frame.captured_at, step_s))
        last_us = max(
            (t.seen_us for t in self._tracks.all if t.visit.state is not State.CANDIDATE),
            default=None,
        )
        self._tracks.drop([t for t in self._tracks.all if t.visit.state is State.CLEARED])
        motion = self._motion(at_us, last_us)
        return motion + findings if self._moving else findings + motion

    def _motion(self, at_us: int, last_us: int | None = None) -> list[Finding]:
        """Report the first person coming and the last one going."""
        there = [t for t in self._tracks.all if t.visit.state in (State.PRESENT, State.LOITERING)]
        if bool(there) == self._moving:
            return []
        self._moving = bool(there)
        if not there:
            visits = self._visits.end(last_us if last_us is not None else at_us)
            repeated = {"visits": visits} if visits >= REPEATED else None
            return [self._reporter.motion_ended(time_of(at_us), repeated)]
        self._visits.begin(there[0].visit.first_us)
        return [self._reporter.motion_started(there[0], time_of(at_us), self._scale)]

    def _loiter(self, event: str, track: Track, at: datetime, step_s: float = 0.0) -> Finding:
        return self._reporter.loiter(event, track, at, self.config.loiter_after_s, step_s)

    def _forget_people(self, last_us: int) -> list[Finding]:
        """End every stay at `last_us`: what follows is not continuous with it."""
        at = time_of(last_us)
        findings = [
            self._loiter("loiter.ended", track, at)
            for track in self._tracks.all
            if track.visit.state is State.LOITERING
        ]
        self._tracks.drop(self._tracks.all)
        self._reporter.ring.clear()
        self._past.clear()
        self._held_since_us = None
        return findings + self._motion(last_us)

    def _hold(self, at_us: int) -> None:
        """Keep the tracks through a time when nothing can be told, for 5 s at most."""
        if self._held_since_us is None:
            self._held_since_us = at_us
        if at_us - self._held_since_us <= _MAX_HOLD_US:
            self._tracks.hold(at_us)

    def _is_known(self, box: Box, at_us: int) -> bool:
        """Whether somebody known to be there is in the box."""
        return any(
            track.visit.state is not State.CANDIDATE and track.expected(at_us).iou(box) > 0
            for track in self._tracks.all
        )

    def _frozen(self, least_life_s: float = 0.0) -> Mask | None:
        """Return 255 around every track that lived so long, None when there is none."""
        tracks = [t for t in self._tracks.all if t.visit.live_s >= least_life_s]
        if not tracks:
            return None
        frozen: Mask = np.zeros((self._scale.rows, self._scale.columns), np.uint8)
        for track in tracks:
            frozen[track.box.grown(_FREEZE_MARGIN * track.height).window] = 255
        return frozen

    def _take_in_objects(self, view: View, at: datetime) -> list[Finding]:
        """What has not lived for long is a thing: it becomes part of the scene."""
        findings: list[Finding] = []
        for track in list(self._tracks.all):
            visit = track.visit
            lifeless_us = track.seen_us - (visit.live_us or visit.first_us)
            if lifeless_us < LIFELESS_AFTER_S * 1e6:
                continue
            self._counts["objects"] += 1
            if visit.state is State.LOITERING:
                findings.append(self._loiter("loiter.ended", track, at))
            self._foreground.take_in(view, track.box)
            self._tracks.drop([track])
        return findings
