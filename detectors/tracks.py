"""Stage 6: boxes of one frame to people over time, by foot point and size.

The foot point is where somebody stands, so distances are measured there, in body heights: that
is the same near the door and far from it. Who stands still is expected to be there again
(coasts long), who walks out of the picture is gone (coasts short).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, hypot, log

from detectors.blobs import Box
from detectors.crossing import are_beside, is_covered, shares
from detectors.dwell import GRACE_S, LIVED_S, LIVED_SHARE, State, Visit
from detectors.sway import Sway

MOVING_COAST_S = 1.0
_STILL_SPEED = 0.25  # body heights a second; a slow walk is 0.5
_GATE = 0.5  # body heights a foot point may jump between sightings
_GATE_SPEED = 0.9  # body heights a second, a brisk walk
_MAX_GATE = 1.2
_MIN_IOU = 0.15
_KNOWN_S = 0.8  # seen apart from others so long before a share of a blob is theirs
_COMPACT = 2.0  # of the parts' areas: what lies apart from somebody is not a part of them
_FRAGMENT = 0.6  # of a blob's area within a matched track: a part of it, nobody new
_TAU_VELOCITY_S = 0.5
_TAU_TALLER_S = 0.3
_TAU_SHORTER_S = 5.0  # half-hidden people do not shrink
_SIZE_COST = 0.4
STILL_S = 600.0  # somebody known to live may be motionless so long: fallen, asleep
_SAME_BODY = 0.5  # of the area they had; who lies is as large as who stands
_TAU_BODY_S = 2.0
_UPRIGHT = 1.25  # width over height at most: two who stand together, a person bent down


@dataclass(slots=True)
class Track:
    """One moving thing. Positions in working pixels, speeds in pixels a second, times in µs."""

    number: int
    box: Box
    height: float
    seen_us: int
    visit: Visit
    velocity: tuple[float, float] = (0.0, 0.0)
    alive_us: int | None = None
    alive_s: float = 0.0
    upright_s: float = 0.0
    lively: bool = False
    body_px: float = 0.0
    covered: bool = False  # somebody else is in front of them
    sway: Sway = field(default_factory=Sway)

    @property
    def foot(self) -> tuple[float, float]:
        return self.box.foot

    @property
    def is_known(self) -> bool:
        """Whether they were seen long enough to be told from a part of somebody else."""
        return self.visit.seen_s >= _KNOWN_S

    def unseen_s(self, at_us: int) -> float:
        return (at_us - self.seen_us) / 1e6

    def coast_s(self, columns: int) -> float:
        """How long it may stay unseen: briefly when walking or at a side edge, else the grace."""
        if self.covered:
            return GRACE_S
        speed = hypot(*self.velocity) / self.height
        at_edge = self.box.x <= 1 or self.box.x + self.box.w >= columns - 1
        return MOVING_COAST_S if at_edge or speed > _STILL_SPEED else GRACE_S

    def expected(self, at_us: int) -> Box:
        """Where its box should be now; the prediction is trusted for a second."""
        ahead_s = min(self.unseen_s(at_us), 1.0)
        return Box(
            self.box.x + self.velocity[0] * ahead_s,
            self.box.y + self.velocity[1] * ahead_s,
            self.box.w,
            self.box.h,
        )

    def show_life(self, at_us: int, step_s: float, *, alive: bool, tall: bool) -> None:
        """Take whether its pixels live, for `step_s`; only what is as `tall` as a person,
        and upright or known to have been, adds to a person's life: not a dog.

        Somebody known to live who stands or lies motionless is still somebody as long as
        something of a body's size is there: a parcel that was carried is much smaller.
        """
        visit = self.visit
        visit.seen_s += step_s
        if alive:
            self.alive_us = at_us
            self.alive_s += step_s
            self.lively = self.alive_s >= max(LIVED_S, LIVED_SHARE * visit.seen_s)
            share = 1.0 if not self.body_px else 1.0 - exp(-step_s / _TAU_BODY_S)
            self.body_px += share * (self.box.area - self.body_px)
        elif (
            self.sway.sways
            or self.alive_us is None
            or not self.lively
            or self.box.area < _SAME_BODY * self.body_px
            or at_us - self.alive_us > STILL_S * 1e6
        ):
            return
        visit.live_us = at_us
        if not tall:
            return
        if alive and self.box.w <= _UPRIGHT * self.box.h:
            self.upright_s += step_s
        if self.upright_s > 0.0 and (
            self.upright_s >= LIVED_S or self.box.w <= _UPRIGHT * self.box.h
        ):
            visit.live_s += step_s

    def void_life(self) -> None:
        """It was a thing that sways: what looked like life is counted anew."""
        self.alive_s = self.upright_s = 0.0
        self.lively = False
        self.visit.live_s = 0.0

    def see(self, box: Box, at_us: int) -> None:
        """Take the box of this frame."""
        gap_s = max(self.unseen_s(at_us), 1e-3)
        (x0, y0), (x1, y1) = self.foot, box.foot
        share = 1.0 - exp(-gap_s / _TAU_VELOCITY_S)
        vx, vy = self.velocity
        self.velocity = (
            vx + share * ((x1 - x0) / gap_s - vx),
            vy + share * ((y1 - y0) / gap_s - vy),
        )
        tau_s = _TAU_TALLER_S if box.h > self.height else _TAU_SHORTER_S
        self.height += (1.0 - exp(-gap_s / tau_s)) * (box.h - self.height)
        self.box, self.seen_us = box, at_us


class Tracks:
    """The tracks of one camera. `update` associates, `drop` forgets."""

    def __init__(self) -> None:
        self.all: list[Track] = []
        self._numbers = 0

    def update(self, boxes: list[Box], at_us: int, step_s: float) -> list[Track]:
        """Give each box to the nearest track of its size, or begin a track; return those seen."""
        pairs = sorted(
            (
                (cost, track.number, at)
                for track in self.all
                for at, box in enumerate(boxes)
                if (cost := _cost(track, box, at_us)) is not None
            ),
        )
        by_number = {track.number: track for track in self.all}
        given: dict[int, Box] = {}
        used: set[int] = set()
        for _, number, at in pairs:
            if number not in given and at not in used:
                given[number] = boxes[at]
                used.add(at)
        rest = [box for at, box in enumerate(boxes) if at not in used]
        births = [box for box in rest if not self._absorbed(box, given, by_number, at_us)]
        seen = self._shared(given, by_number, at_us)
        for number, box in seen.items():
            by_number[number].see(box, at_us)
        return [by_number[number] for number in seen] + [
            self._begin(box, at_us, step_s) for box in births
        ]

    def drop(self, gone: list[Track]) -> None:
        self.all = [track for track in self.all if track not in gone]

    def hold(self, at_us: int) -> None:
        """Nothing can be seen now (the light changes): nobody is thereby gone."""
        for track in self.all:
            track.seen_us = at_us

    def _begin(self, box: Box, at_us: int, step_s: float) -> Track:
        self._numbers += 1
        first_us = at_us - int(step_s * 0.5e6)
        track = Track(self._numbers, box, box.h, at_us, Visit(first_us))
        self.all.append(track)
        return track

    def _shared(
        self, given: dict[int, Box], by_number: dict[int, Track], at_us: int
    ) -> dict[int, Box]:
        """Share blobs that cover others who are known too; mark those who are hidden."""
        seen = dict(given)
        for track in self.all:
            track.covered = False
        known = {track.number: track.expected(at_us) for track in self.all if track.is_known}
        for number, blob in given.items():
            if number not in known:
                continue
            behind = [
                other
                for other, expected in known.items()
                if other not in given and is_covered(expected, blob)
            ]
            if not behind:
                continue
            group = [number, *behind]
            for other, part in zip(group, shares(blob, [known[n] for n in group]), strict=True):
                if part is not None:
                    seen[other] = part
                by_number[other].covered = part is None and other != number
        return seen

    @staticmethod
    def _absorbed(box: Box, given: dict[int, Box], by_number: dict[int, Track], at_us: int) -> bool:
        for number, taken in given.items():
            before = by_number[number].expected(at_us)
            if are_beside(taken, box, by_number[number].height):
                continue
            if max(box.overlap(before), box.overlap(taken)) >= _FRAGMENT * box.area:
                whole = taken.union(box)
                near = whole.area <= _COMPACT * (taken.area + box.area)
                if near and whole.area <= 1.3 * before.area:
                    given[number] = whole
                return True
        return False


def _cost(track: Track, box: Box, at_us: int) -> float | None:
    """Return how badly the box fits the track, None when it cannot be it."""
    expected = track.expected(at_us)
    (x0, y0), (x1, y1) = expected.foot, box.foot
    away = hypot(x1 - x0, y1 - y0) / track.height
    gap_s = track.unseen_s(at_us)
    moving = track.visit.state is State.CANDIDATE or hypot(*track.velocity) > (
        _STILL_SPEED * track.height
    )
    gate = min(_GATE + (_GATE_SPEED * gap_s if moving or gap_s <= 1.0 else 0.0), _MAX_GATE)
    iou = expected.iou(box)
    if away > gate and iou < _MIN_IOU:
        return None
    return away / gate + (1.0 - iou) + _SIZE_COST * abs(log(box.h / track.height))
