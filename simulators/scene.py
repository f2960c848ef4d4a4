"""A rendered scene with exact truth: a corridor, somebody who comes, stays and leaves, passers-by.

The picture is a function of the seed and the time only: asked twice, it is the same to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ConfigurationError
from simulators import corridor
from simulators.figure import Look, Painter, Pose
from simulators.source import Image, encode_jpeg

WALK_M_S = 1.15
STAND_Z_M = 2.45  # where a visitor stands before the door
PASS_Z_M = 3.3
_STRIDE_M = 1.35  # two steps
_TURN_S = 0.5  # from walking to standing and back
_NOISE_SIGMA = 2.2  # grey levels, a camera's in indoor light
_SHADOW_PX_M = corridor.FOCAL_PX * 0.55  # half its width in px at a distance of 1 m
_MARGIN = 0.24  # of body height: half the width of somebody walking


class Phase(StrEnum):
    """What one person does at a moment."""

    AWAY = "away"
    ENTERING = "entering"
    STANDING = "standing"
    LEAVING = "leaving"
    PASSING = "passing"


@dataclass(frozen=True, slots=True)
class Visit:
    """Truth of one visit, in seconds of scene time: in view from `entered_s` to `left_s`,
    standing from `stands_s` to `leaves_s` (both equal for somebody who only passes).
    """

    entered_s: float
    stands_s: float
    leaves_s: float
    left_s: float

    @property
    def passing(self) -> bool:
        return self.stands_s == self.leaves_s

    def phase(self, t_s: float) -> Phase:
        if not self.entered_s <= t_s < self.left_s:
            return Phase.AWAY
        if self.passing:
            return Phase.PASSING
        if t_s < self.stands_s:
            return Phase.ENTERING
        return Phase.STANDING if t_s < self.leaves_s else Phase.LEAVING


@dataclass(frozen=True, slots=True)
class _Actor:
    visit: Visit
    painter: Painter
    from_x_m: float
    stand_x_m: float
    to_x_m: float
    z_m: float

    def place(self, t_s: float) -> tuple[float, Pose]:
        """Return x in metres and the pose at `t_s`."""
        visit = self.visit
        gone_m = WALK_M_S * (min(t_s, visit.stands_s) - visit.entered_s)
        back_m = WALK_M_S * max(0.0, t_s - visit.leaves_s)
        coming = math.copysign(1.0, self.stand_x_m - self.from_x_m)
        going = math.copysign(1.0, self.to_x_m - self.stand_x_m)
        x_m = self.from_x_m + coming * gone_m + going * back_m
        facing = coming if t_s < visit.leaves_s else going
        calm = min(t_s - visit.stands_s, visit.leaves_s - t_s)  # negative while walking
        walking = 1.0 if visit.passing else min(1.0, max(0.0, -calm / _TURN_S))
        stride = 2 * math.pi * (gone_m + back_m) / _STRIDE_M
        return x_m, Pose(t_s, stride, walking, facing)


class Scene:
    """A corridor of 1280 x 720 px, empty for `empty_s`, then with visitors.

    `stays` holds (start_s, stay_s): somebody comes into view `start_s` after the end of the empty
    time, walks to the door, stands there for `stay_s`, and leaves. `passers` holds the start of
    each passer-by likewise. `visits` and `passes` are the truth, in seconds from the very start.
    The scene never ends; after the last visit the corridor stays empty. Raises
    `ConfigurationError` for stays that overlap or last no time.
    """

    def __init__(
        self,
        seed: int = 1,
        empty_s: float = 8.0,
        stays: Sequence[tuple[float, float]] = ((0.0, 30.0),),
        *,
        passers: Sequence[float] = (),
    ) -> None:
        rng = np.random.default_rng(seed)
        self._seed = seed
        self._corridor = corridor.paint(rng)
        noise = rng.normal(0, _NOISE_SIGMA, (corridor.HEIGHT_PX + 64, corridor.WIDTH_PX + 64, 3))
        self._noise = np.clip(noise, -127, 127).astype(np.int8).astype(np.int16)
        self._drift = rng.uniform(0, 2 * math.pi, 2)
        self._actors = [self._visitor(rng, empty_s + start, stay) for start, stay in stays]
        self._actors += [self._passer(rng, empty_s + start) for start in passers]
        self._actors.sort(key=lambda actor: -actor.z_m)  # the far ones are drawn first
        truth = sorted((a.visit for a in self._actors), key=lambda visit: visit.entered_s)
        self.visits = tuple(visit for visit in truth if not visit.passing)
        self.passes = tuple(visit for visit in truth if visit.passing)
        for earlier, later in pairwise(self.visits):
            if later.entered_s < earlier.left_s:
                raise ConfigurationError(
                    f"a visitor comes at {later.entered_s:.1f} s while the one before is in view "
                    f"until {earlier.left_s:.1f} s"
                )

    def phase(self, t_s: float) -> Phase:
        """Return what the visitor (not a passer-by) does."""
        phases = (visit.phase(t_s) for visit in self.visits)
        return next((phase for phase in phases if phase is not Phase.AWAY), Phase.AWAY)

    def at(self, t_s: float) -> bytes:
        """Return the JPEG at `t_s` seconds."""
        return encode_jpeg(self.render(t_s))

    def render(self, t_s: float) -> Image:
        """Return the picture at `t_s`, 720 x 1280 x 3."""
        picture = self._corridor.copy()
        for actor in self._actors:
            if actor.visit.phase(t_s) is not Phase.AWAY:
                self._lay(picture, actor, t_s)
        swing = 0.025 * math.sin(2 * math.pi * t_s / 47 + self._drift[0])
        swing += 0.012 * math.sin(2 * math.pi * t_s / 19 + self._drift[1])
        lit = cv2.convertScaleAbs(picture, alpha=1.0 + swing)
        rng = np.random.default_rng((self._seed, round(t_s * 1000)))
        down, right = rng.integers(0, 64, 2)
        noise = self._noise[down : down + corridor.HEIGHT_PX, right : right + corridor.WIDTH_PX]
        return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), np.uint8)

    def figure_mask(self, t_s: float) -> npt.NDArray[np.bool_]:
        """Return the truth of every pixel: True where a person is, 720 x 1280."""
        mask = np.zeros((corridor.HEIGHT_PX, corridor.WIDTH_PX), np.bool_)
        for actor in self._actors:
            if actor.visit.phase(t_s) is not Phase.AWAY:
                _, drawn, origin = self._draw(actor, t_s)
                target, source = _overlap(origin, drawn.shape)
                mask[target] |= drawn[source] > 127
        return mask

    def _visitor(self, rng: np.random.Generator, entered_s: float, stay_s: float) -> _Actor:
        if stay_s <= 0:
            raise ConfigurationError(f"a stay of {stay_s} s; a passer-by belongs in `passers`")
        painter = Painter(Look.of(rng), rng)
        side = 1.0 if rng.random() < 0.5 else -1.0
        edge_m = _edge_m(STAND_Z_M, painter.look.height_m)
        stand_x_m = float(rng.uniform(-0.3, 0.3))
        leave_m = side * edge_m if rng.random() < 0.5 else -side * edge_m
        stands_s = entered_s + abs(stand_x_m - side * edge_m) / WALK_M_S
        leaves_s = stands_s + stay_s
        left_s = leaves_s + abs(leave_m - stand_x_m) / WALK_M_S
        visit = Visit(entered_s, stands_s, leaves_s, left_s)
        return _Actor(visit, painter, side * edge_m, stand_x_m, leave_m, STAND_Z_M)

    def _passer(self, rng: np.random.Generator, entered_s: float) -> _Actor:
        painter = Painter(Look.of(rng), rng)
        edge_m = _edge_m(PASS_Z_M, painter.look.height_m) * (1.0 if rng.random() < 0.5 else -1.0)
        left_s = entered_s + 2 * abs(edge_m) / WALK_M_S
        half_s = (entered_s + left_s) / 2
        visit = Visit(entered_s, half_s, half_s, left_s)
        return _Actor(visit, painter, edge_m, 0.0, -edge_m, PASS_Z_M)

    def _draw(
        self, actor: _Actor, t_s: float
    ) -> tuple[Image, npt.NDArray[np.uint8], tuple[int, int]]:
        x_m, pose = actor.place(t_s)
        height_px = corridor.FOCAL_PX * actor.painter.look.height_m / actor.z_m
        return actor.painter.draw(pose, corridor.project(x_m, 0.0, actor.z_m), height_px)

    def _lay(self, picture: Image, actor: _Actor, t_s: float) -> None:
        canvas, mask, origin = self._draw(actor, t_s)
        self._shadow(picture, actor, t_s)
        target, source = _overlap(origin, mask.shape)
        if picture[target].size == 0:
            return
        alpha = cv2.GaussianBlur(mask, (3, 3), 0)[source].astype(np.float32)[:, :, None] / 255.0
        behind = picture[target].astype(np.float32)
        body = canvas[source].astype(np.float32)
        picture[target] = (behind + (body - behind) * alpha + 0.5).astype(np.uint8)

    def _shadow(self, picture: Image, actor: _Actor, t_s: float) -> None:
        x_m, _ = actor.place(t_s)
        x, y = corridor.project(x_m, 0.0, actor.z_m)
        wide, high = round(_SHADOW_PX_M / actor.z_m), round(_SHADOW_PX_M / actor.z_m / 5)
        dark = np.zeros((2 * high, 2 * wide), np.float32)
        cv2.ellipse(dark, (wide, high), (wide * 6 // 10, high * 6 // 10), 0, 0, 360, 0.5, -1)
        dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), high / 4), np.float32)
        target, source = _overlap((round(x) - wide, round(y) - high), dark.shape)
        ground = picture[target].astype(np.float32)
        picture[target] = (ground * (1.0 - dark[source][:, :, None])).astype(np.uint8)


def _edge_m(z_m: float, height_m: float) -> float:
    """Return the x in metres at which somebody is just out of view."""
    return corridor.WIDTH_PX / 2 * z_m / corridor.FOCAL_PX + _MARGIN * height_m


def _overlap(
    origin: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of the picture and of a patch laid at `origin` (x, y) that coincide."""
    left, top = max(0, origin[0]), max(0, origin[1])
    right = max(left, min(corridor.WIDTH_PX, origin[0] + shape[1]))
    bottom = max(top, min(corridor.HEIGHT_PX, origin[1] + shape[0]))
    rows = slice(top - origin[1], bottom - origin[1])
    columns = slice(left - origin[0], right - origin[0])
    return (slice(top, bottom), slice(left, right)), (rows, columns)
