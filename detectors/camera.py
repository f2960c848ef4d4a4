"""One camera: its frames through the stages, its findings out. No I/O but the object store."""

from __future__ import annotations

from typing import Any

from core.errors import DecodeError
from core.frames import Frame
from core.model import Finding
from core.ports import ObjectStore
from detectors.config import CameraConfig
from detectors.decode import Grey, decode_grey
from detectors.findings import Reporter, Scale
from detectors.foreground import Foreground, View
from detectors.health import Health, Told
from detectors.mask import PrivacyMask
from detectors.objects import Thing, Things
from detectors.people import People
from detectors.person_check import Finder, PersonCheck
from detectors.recording import Filing
from detectors.sequence import Sequence, Verdict
from detectors.sway import Recent
from detectors.tracks import Track

SILENT_AFTER_S = 15.0  # without any frame
BLIND_US = 30_000_000  # of ours, through which a stay goes on: a restart, another takes over
_STEP_US = 200_000
_UNUSUAL_US = 1_000_000  # a shorter gap is a lost frame or two, and the stages know it
_NOT_STATE = frozenset({"device_id", "_reporter", "_resuming", "_check", "_recent"})
_CARRIED_LIFE_S = 2.0  # of visible life: carried over into the other mode's first model
_MAX_BLIND_US = 60_000_000  # who was there before a fault is waited for so long


class Camera:
    """Detector of one camera. Not thread-safe: one worker thread feeds it."""

    def __init__(
        self,
        device_id: str,
        config: CameraConfig,
        objects: ObjectStore,
        finder: Finder | None = None,
    ) -> None:
        self.device_id = device_id
        self.config = config
        self._counts = dict.fromkeys(("frames", "bad_jpegs", "late", "jumps", "objects"), 0)
        self._reporter = Reporter(device_id, objects)
        self._sequence = Sequence()
        self._foreground = Foreground()
        self._people = People()
        self._recent = Recent()
        self._things = Things()
        self._health = Health()
        self._blind_us: int | None = None
        self._infrared = False
        self._scale = Scale(0, 0)
        self._mask = PrivacyMask(config.masks)
        self._resuming = False
        self._check = PersonCheck(finder) if finder is not None else None

    @property
    def counters(self) -> dict[str, int]:
        """What happened so far, by name."""
        return {
            **self._counts,
            "ghosts": self._foreground.ghosts,
            "no_evidence": self._reporter.unstored,
            "persons_asked": self._check.asked if self._check else 0,
            "persons_failed": self._check.failed if self._check else 0,
        }

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks as they stand, for drawing and for measuring."""
        return tuple(self._people.tracks.all)

    @property
    def at_fault(self) -> bool:
        """Whether a fault has been told and its end has not."""
        return self._health.course.told is not None

    def feed(self, frame: Frame) -> list[Finding]:
        """Take the next frame; return what it lets us conclude. Never raises on any bytes."""
        try:
            grey = decode_grey(frame.jpeg)
        except DecodeError:
            self._counts["bad_jpegs"] += 1
            return []
        if self._resuming:
            self._resume(frame)
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
                self._people.forget_visits()
        scale = Scale(*grey.shape)
        if scale != self._scale or self.config.masks != self._mask.polygons:
            # what is to be hidden from now on is hidden in what is still in hand too
            self._reporter.masks = (*self._mask.polygons, *self.config.masks)
            self._mask = PrivacyMask(self.config.masks)
            findings += self._forget_people(before_us or frame.captured_at_us)
            self._foreground.forget()
            self._things.forget()
            self._reporter.masks = self.config.masks
            self._health.forget()
            self._scale = scale
        usual = verdict is Verdict.NEXT and before_us is not None
        step_s = (frame.captured_at_us - before_us) / 1e6 if usual and before_us else 0.0
        hidden = self._mask.hidden(grey)
        if hidden is not None:
            grey[hidden > 0] = 0
        return findings + self._look(frame, grey, step_s)

    def idle(self, now_us: int) -> list[Finding]:
        """No frame came; `now_us` is the present by the camera's clock. Ends what was going on
        after `SILENT_AFTER_S`, longer than the grace: a stalled network delivers late what the
        camera saw without a gap.
        """
        newest_us = self._sequence.newest_us
        told = self._health.silence(now_us)
        findings = [] if told is None else self._tell_health(told, now_us)
        if newest_us is None or now_us - newest_us <= SILENT_AFTER_S * 1e6:
            return findings
        return findings + self._forget_people(newest_us)

    def take_filings(self) -> list[Filing]:
        """Return the cases whose pictures are complete since the last call, to be stored."""
        return self._reporter.recorder.take()

    def close(self) -> list[Filing]:
        """No frame will follow: return the cases in hand as they are."""
        self._reporter.recorder.close(self._reporter.masks)
        return self.take_filings()

    def state(self) -> dict[str, object]:
        """Return all that the next frame is judged by, for `detectors.codec`."""
        return {name: held for name, held in vars(self).items() if name not in _NOT_STATE}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`; raise `DecodeError` (`state`) for one of another version.

        The pictures of the last seconds are not in it, nor cases in hand.
        """
        if set(state) != vars(self).keys() - _NOT_STATE:
            raise DecodeError("state", f"a camera of another version: {sorted(state)}"[:300])
        vars(self).update(state)
        self._resuming = True

    def _resume(self, frame: Frame) -> None:
        """Nobody looked for a moment, and nobody is gone for that: those who were there are
        taken to have been there meanwhile, and the next frames tell whether they are.
        """
        self._resuming = False
        newest_us = self._sequence.newest_us
        if newest_us is None:
            return
        blind_us = frame.captured_at_us - newest_us - _STEP_US
        if _UNUSUAL_US < blind_us <= BLIND_US:
            self._sequence.newest_us = newest_us + blind_us
            self._people.bridge(blind_us)
            self._foreground.past.clear()

    def _look(self, frame: Frame, grey: Grey, step_s: float) -> list[Finding]:
        at_us = frame.captured_at_us
        people, foreground, config = self._people, self._foreground, self.config
        shot = self._reporter.recorder.ring.add(frame)
        told = self._health.look(frame, grey, somebody=people.fill(self._scale, at_us))
        if self._health.well_us == at_us:
            self._reporter.well = frame
        if told is not None or self._health.blind:
            findings = [] if told is None else self._take_health(told, frame)
            self._reporter.recorder.look(shot, self.tracks, self._reporter.masks)
            return findings + self._wait(at_us)
        self._blind_us = None
        # who is doubtful is not carried into a model that is being made
        known = foreground.knows(infrared=frame.infrared)
        around = people.around(self._scale, 0.0 if known else _CARRIED_LIFE_S)
        if frame.infrared != self._infrared:
            self._infrared = frame.infrared
            people.hold(at_us)
        view = foreground.look(
            grey, at_us, step_s, around, infrared=frame.infrared, hidden=self._mask.hidden(grey)
        )
        if view is None:
            people.hold(at_us)
            self._reporter.recorder.look(shot, self.tracks, self._reporter.masks)
            return []
        findings = people.follow(
            view,
            grey,
            frame,
            shot,
            step_s,
            config=config,
            reporter=self._reporter,
            recent=self._recent,
            check=self._check,
        )
        foreground.learn(view, step_s, people.around(self._scale))
        things, ended = people.take_in_objects(
            frame.captured_at, config=config, reporter=self._reporter
        )
        for thing in things:
            self._counts["objects"] += 1
            foreground.take_in(view, thing.box)
        self._reporter.recorder.look(shot, self.tracks, self._reporter.masks)
        return findings + ended + self._tell_things(things, view, frame)

    def _tell_things(self, left: list[Thing], view: View, frame: Frame) -> list[Finding]:
        """Report what was left and what was taken away, where motion is wanted."""
        at, say = frame.captured_at, self._reporter.thing
        gone = [self._things.take_away(hole) for hole in view.healed]
        findings = [say("object.removed", thing, at, self._scale) for thing in gone if thing]
        new = [thing for thing in left if self._things.leave(thing)]
        findings += [say("object.left", thing, at, self._scale) for thing in new]
        return findings if self.config.motion else []

    def _take_health(self, told: Told, frame: Frame) -> list[Finding]:
        """Report what befell the camera, and keep the scene of before for when it is over."""
        if told.alters:
            self._foreground.set_aside()
        elif told.ended:
            self._foreground.bring_back(learnt=told.learnt)
        return self._tell_health(told, frame.captured_at_us, frame)

    def _tell_health(self, told: Told, at_us: int, frame: Frame | None = None) -> list[Finding]:
        return [self._reporter.health(told, at_us, frame)] if self.config.health else []

    def _wait(self, at_us: int) -> list[Finding]:
        """Nothing can be seen: nobody is thereby gone, for a minute."""
        if self._blind_us is None:
            self._blind_us = at_us
        if at_us - self._blind_us > _MAX_BLIND_US:
            return self._forget_people(self._blind_us)
        self._people.hold(at_us, _MAX_BLIND_US)
        return []

    def _forget_people(self, last_us: int) -> list[Finding]:
        """End every stay at `last_us`: what follows is not continuous with it."""
        findings = self._people.forget(
            last_us, self._scale, config=self.config, reporter=self._reporter
        )
        self._foreground.past.clear()
        self._recent.clear()
        self._reporter.recorder.close(self._reporter.masks)
        return findings
