"""Stages 7 to 9 in their order: who is at the door, since when, and what is to be said of it."""

from __future__ import annotations

from datetime import datetime
from math import inf

import numpy as np

from core.frames import Frame
from core.model import Finding
from detectors import evidence
from detectors.background import Mask
from detectors.blobs import Box
from detectors.config import CameraConfig
from detectors.decode import Grey
from detectors.dwell import LIVE_WITHIN_S, State, Visit
from detectors.findings import Reporter, Scale, time_of
from detectors.foreground import View
from detectors.life import LIVE_FRACTION, live_fraction
from detectors.light import is_lit, is_shade
from detectors.objects import Thing
from detectors.person_check import PersonCheck, released
from detectors.sway import Recent, is_back
from detectors.tracks import Track, Tracks
from detectors.visits import Visits

LIFELESS_AFTER_S = 20.0  # without a sign of life: an object, taken into the background
_MAX_HOLD_US = 5_000_000  # a light that never settles must not keep people for ever
_LARGE = 0.15, 0.8  # of the picture: before a plain wall they hide what there is to see
_FREEZE_MARGIN = 0.06  # of the box's height around a track


class People:
    """Those before one camera. `follow` each look, `hold` where nothing can be told, `forget`
    where what follows is not continuous with what was.
    """

    def __init__(self) -> None:
        self.tracks = Tracks()
        self._visits = Visits()
        self._moving = False
        self._held_since_us: int | None = None

    def follow(
        self,
        view: View,
        grey: Grey,
        frame: Frame,
        shot: evidence.Shot,
        step_s: float,
        *,
        config: CameraConfig,
        reporter: Reporter,
        recent: Recent,
        check: PersonCheck | None = None,
    ) -> list[Finding]:
        """Take one look, `step_s` after the one before; return what is to be reported."""
        at_us = frame.captured_at_us
        scale = Scale(*grey.shape)
        self._held_since_us = None
        boxes = [
            box for box in view.boxes if self._is_known(box, at_us) or not _is_light(view, box)
        ]
        if not boxes and not self.tracks.all:
            recent.clear()
            return self._motion(at_us, reporter, scale, config)
        around_s = min(step_s, 1.0)
        recent.add(at_us, grey)
        self._see(boxes, view, grey, at_us, around_s, config, recent)
        for track in self.tracks.all:
            if track.seen_us == at_us:
                shot.boxes[track.number] = scale.fractions(track.box)
        findings: list[Finding] = []
        for track in self.tracks.all:
            zone = scale.zone_of(track, config)
            threshold_s = config.threshold_s(zone, frame.captured_at)
            event = track.visit.step(
                at_us,
                threshold_s if config.loiter else inf,
                tall=track.height >= config.height_in(zone) * scale.rows,
                unseen_s=track.unseen_s(at_us),
                coast_s=track.coast_s(scale.columns),
            )
            told = [event] if event else []
            if check is not None:
                told = check.judge(event, track, frame, scale, config.masks)
            at = frame.captured_at
            name = zone.name if zone else ""
            findings += [reporter.loiter(one, track, at, threshold_s, name, step_s) for one in told]
        last_us = max(
            (t.seen_us for t in self.tracks.all if t.visit.state is not State.CANDIDATE),
            default=None,
        )
        self.tracks.drop([t for t in self.tracks.all if t.visit.state is State.CLEARED])
        motion = self._motion(at_us, reporter, scale, config, last_us)
        return motion + findings if self._moving else findings + motion

    def _see(
        self,
        boxes: list[Box],
        view: View,
        grey: Grey,
        at_us: int,
        around_s: float,
        config: CameraConfig,
        recent: Recent,
    ) -> None:
        """Give the boxes to tracks, and each of these its place and its signs of life."""
        scale = Scale(*grey.shape)
        sighted = self.tracks.update(boxes, at_us, around_s)
        changed = view.changed
        for track in sighted:
            zone = scale.zone_of(track, config)
            track.visit.place(at_us, track.foot, track.height, around_s, inside=zone is not None)
            # without a picture of a second ago there is nothing to doubt
            live = 1.0 if changed is None else live_fraction(changed, view.mask, track.box)
            if changed is not None and track.sway.due(at_us):
                _try_sway(track, live, view, grey, at_us, recent)
            if track.sway.sways:
                track.void_life()
            alive = live >= LIVE_FRACTION and not track.sway.sways
            tall = track.box.h >= config.height_in(zone) * scale.rows
            track.show_life(at_us, around_s, alive=alive, tall=tall)

    def take_in_objects(
        self, at: datetime, *, config: CameraConfig, reporter: Reporter
    ) -> tuple[list[Thing], list[Finding]]:
        """What has not lived for long is a thing: return such, to become part of the scene, and
        end their stays.
        """
        things: list[Thing] = []
        findings: list[Finding] = []
        for track in list(self.tracks.all):
            visit = track.visit
            lifeless_us = track.seen_us - (visit.live_us or visit.first_us)
            if lifeless_us < LIFELESS_AFTER_S * 1e6:
                continue
            if visit.state is State.LOITERING and visit.held_us is None:
                threshold_s = config.threshold_s(None, at)
                findings.append(reporter.loiter("loiter.ended", track, at, threshold_s))
            if track.sway.sways:  # at one pose it is no part of the scene
                track.visit = Visit(track.seen_us)
                continue
            things.append(Thing(track.box, visit.first_us))
            self.tracks.drop([track])
        return things, findings

    def hold(self, at_us: int, most_us: int = _MAX_HOLD_US) -> None:
        """Keep the tracks through a time when nothing can be told, for `most_us` at most."""
        if self._held_since_us is None:
            self._held_since_us = at_us
        if at_us - self._held_since_us <= most_us:
            self.tracks.hold(at_us)

    def bridge(self, blind_us: int) -> None:
        """Take it that nothing changed for so long: times of the last sight move on, those of
        the first stay.
        """
        for track in self.tracks.all:
            visit = track.visit
            track.seen_us += blind_us
            if track.alive_us is not None:
                track.alive_us += blind_us
            if visit.live_us is not None:
                visit.live_us += blind_us
            if visit.zone_seen_us is not None:
                visit.zone_seen_us += blind_us

    def forget(
        self, last_us: int, scale: Scale, *, config: CameraConfig, reporter: Reporter
    ) -> list[Finding]:
        """End every stay at `last_us`: what follows is not continuous with it."""
        at = time_of(last_us)
        findings = [
            reporter.loiter(event, track, at, config.threshold_s(None, at))
            for track in self.tracks.all
            if track.visit.state is State.LOITERING
            for event in (*released(track.visit), "loiter.ended")
        ]
        self.tracks.drop(self.tracks.all)
        self._held_since_us = None
        return findings + self._motion(last_us, reporter, scale, config)

    def forget_visits(self) -> None:
        """The clock was set back: earlier times cannot be compared with later ones."""
        self._visits.clear()

    def fill(self, scale: Scale, at_us: int) -> bool:
        """Whether somebody who lives hides a large part of the picture, and not all of it."""
        whole = scale.rows * scale.columns
        return any(
            _LARGE[0] * whole <= track.box.area <= _LARGE[1] * whole
            and track.alive_us is not None
            and at_us - track.alive_us <= LIVE_WITHIN_S * 1e6
            for track in self.tracks.all
        )

    def around(self, scale: Scale, least_life_s: float = 0.0) -> Mask | None:
        """Return 255 around every track that lived so long, None when there is none."""
        tracks = [t for t in self.tracks.all if t.visit.live_s >= least_life_s]
        if not tracks:
            return None
        frozen: Mask = np.zeros((scale.rows, scale.columns), np.uint8)
        for track in tracks:
            frozen[track.box.grown(_FREEZE_MARGIN * track.height).window] = 255
        return frozen

    def _motion(
        self,
        at_us: int,
        reporter: Reporter,
        scale: Scale,
        config: CameraConfig,
        last_us: int | None = None,
    ) -> list[Finding]:
        """Report the first person coming and the last one going, where that is wanted."""
        there = [t for t in self.tracks.all if t.visit.state in (State.PRESENT, State.LOITERING)]
        if bool(there) == self._moving:
            return []
        self._moving = bool(there)
        if not there:
            visits = self._visits.end(last_us if last_us is not None else at_us, config.visits)
            repeated = {"visits": visits} if visits >= config.visits.count else None
            news = reporter.motion_ended(time_of(at_us), repeated)
        else:
            self._visits.begin(there[0].visit.first_us)
            news = reporter.motion_started(there[0], time_of(at_us), scale)
        return [news] if config.motion else []

    def _is_known(self, box: Box, at_us: int) -> bool:
        """Whether somebody known to be there is in the box."""
        return any(
            track.visit.state is not State.CANDIDATE and track.expected(at_us).iou(box) > 0
            for track in self.tracks.all
        )


def _try_sway(
    track: Track, live: float, view: View, grey: Grey, at_us: int, recent: Recent
) -> None:
    """Look whether a track, `live` of whose pixels changed over a second, is back where it was."""
    unlike: float | None = 1.0
    if track.sway.may(live, track.box):
        unlike = recent.unlike(at_us, grey, view.limit, view.mask, track.box)
    if unlike is not None:  # else there is no picture old enough, and nothing is known
        track.sway.look(at_us, back=is_back(unlike, live))


def _is_light(view: View, box: Box) -> bool:
    """Whether there is nobody in the box but a change of the light."""
    seen, mask = view.difference, view.mask
    return is_lit(seen, mask, box) or is_shade(seen, mask, box)
