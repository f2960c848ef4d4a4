"""Rendered scenes by seed: a place, its light and weather, who comes, what befalls the camera,
and the exact truth of all of it.

Even seeds have people, odd ones have none: wind, rain, insects, lamps, headlights, shadows,
clouds, a dog. With `balloon` one sways before the door alone, in place of a dog. Some of both end
with a fault of the camera, while nobody is there. Frames are `places.WIDTH_PX` x `HEIGHT_PX`,
the size at which detectors work on 1080p; JPEG quality 80.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from simulators.cast import ACTS, Act, Actor, Director, Thing
from simulators.climate import HAPPENINGS, OUTDOORS, Climate, Light, Span, happen
from simulators.impairment import Impairment, Kind
from simulators.places import (
    HEIGHT_PX,
    MARGIN_PX,
    WIDTH_PX,
    Place,
    corridor_place,
    porch_place,
)
from simulators.source import Image, encode_jpeg

DURATION_S = 90.0
QUIET_S = 14.0  # nothing happens so long, for the detector to learn the place
THRESHOLD_S = 10.0
_BETWEEN_S = 7.0  # from one act to the next, longer than any detector bridges a gap
_FAULT_S = 58.0
_LAMP_REACH_M = 3.2
_GROUND = 0.5  # how much light somebody's own shadow takes from the ground


class RenderedScene:
    """The scene of one seed: `acts` (people), `stray` (a dog or a balloon alone), `impairments`."""

    def __init__(
        self, seed: int, threshold_s: float = THRESHOLD_S, *, balloon: bool = False
    ) -> None:
        rng = np.random.default_rng((seed, 20_260))
        self.seed = seed
        self.peopled = seed % 2 == 0
        turn = seed // 2
        self.light = tuple(Light)[turn % 3]
        self.indoors = bool(rng.random() < 0.5)
        self.place: Place = corridor_place(rng) if self.indoors else porch_place(rng)
        self.impairments = self._impairments(rng, turn)
        free_s = self.impairments[0].start_s - 6.0 if self.impairments else DURATION_S
        self.acts: list[Act] = []
        self.stray: list[Actor] = []
        director = Director(rng, self.place, threshold_s)
        if self.peopled:
            self._cast(director, rng, turn, free_s)
        self.happenings = self._happenings(rng, turn, free_s)
        if not self.peopled and rng.random() < 0.35:
            start_s = float(rng.uniform(QUIET_S, 25.0))
            dog = director.stray(start_s, start_s + float(rng.uniform(8.0, 18.0)))
            self.stray.append(dog)
        if balloon:
            own = np.random.default_rng((seed, 20_261))  # the rest of the scene stays as it is
            start_s = float(own.uniform(QUIET_S, 18.0))
            end_s = min(start_s + float(own.uniform(24.0, 60.0)), free_s)
            self.stray = [Director(own, self.place, threshold_s).balloon(start_s, end_s)]
        self.climate = Climate(rng, self.place, self.light, self.happenings)
        self.actors = [actor for act in self.acts for actor in act.actors] + self.stray
        self.things = [thing for act in self.acts for thing in act.things]

    def frames(self, fps: float = 5.0) -> Iterator[tuple[float, bytes, bool]]:
        """Yield (seconds, JPEG, infrared) as the camera sends them: none while it sends none,
        the same picture again while it is frozen.
        """
        last: tuple[bytes, bool] | None = None
        for number in range(int(DURATION_S * fps)):
            t_s = number / fps
            faults = {fault.kind: fault for fault in self.impairments if fault.active(t_s)}
            if Kind.NO_FRAMES in faults:
                continue
            frozen = faults.get(Kind.FROZEN)
            if last is None or frozen is None:
                last = encode_jpeg(self.render(t_s)), self.climate.infrared(t_s)
            jpeg, infrared = last
            yield t_s, jpeg if frozen is None else frozen.repeat(jpeg, t_s), infrared

    def render(self, t_s: float) -> Image:
        """Return the picture at `t_s`, (270, 480, 3); a frozen camera's is not frozen here."""
        wide = self.place.picture.copy()
        picture = wide[MARGIN_PX : MARGIN_PX + HEIGHT_PX, MARGIN_PX : MARGIN_PX + WIDTH_PX]
        self.climate.sway(picture, t_s)
        for thing in self.things:
            if thing.from_s <= t_s < thing.to_s:
                self._put(picture, thing)
        there = [actor for actor in self.actors if actor.there(t_s)]
        for actor in sorted(there, key=lambda actor: -actor.where(t_s)[1]):
            self._lay(picture, actor, t_s)
        seen = np.ascontiguousarray(picture)
        for fault in self.impairments:
            seen = fault.view(wide, t_s)
        shown = self.climate.expose(seen, t_s)
        for fault in self.impairments:
            shown = fault.impair(shown, t_s)
        return self.climate.weather(shown, t_s)

    def figure_mask(self, t_s: float) -> npt.NDArray[np.bool_]:
        """Return True where a person is, (270, 480)."""
        mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.bool_)
        for actor in self.actors:
            if actor.person and actor.there(t_s):
                _, drawn, origin = actor.draw(t_s)
                target, source = _meet(origin, drawn.shape)
                mask[target] |= drawn[source] > 127
        return mask

    def _impairments(self, rng: np.random.Generator, turn: int) -> tuple[Impairment, ...]:
        """Every second scene without people and every fifth with some has a fault."""
        if turn % 5 != 0 if self.peopled else turn % 2 != 0:
            return ()
        kind = tuple(Kind)[(turn // 2 + 3 * self.peopled) % len(Kind)]
        start_s = _FAULT_S + float(rng.uniform(-4.0, 2.0))
        one, two, three, four = (float(part) for part in rng.uniform(0, 1, 4))
        end_s = start_s + float(rng.uniform(18.0, 22.0))
        return (Impairment(kind, start_s, end_s, (one, two, three, four)),)

    def _cast(self, director: Director, rng: np.random.Generator, turn: int, free_s: float) -> None:
        """Put on acts in turn, so that every kind is seen within a few seeds, until time is up."""
        names = tuple(ACTS)
        at_s = QUIET_S + float(rng.uniform(0.0, 3.0))
        number = 0
        while number < 12:
            name = names[(turn * 2 + number) % len(names)]
            number += 1
            act = director.act(name, at_s, DURATION_S)
            if act.ends_s > free_s - 2.0:
                continue
            if name == "courier" and self.impairments:
                continue  # a parcel before a moved camera would be drawn twice
            self.acts.append(act)
            at_s = act.ends_s + _BETWEEN_S + float(rng.uniform(0.0, 2.0))

    def _happenings(
        self, rng: np.random.Generator, turn: int, free_s: float
    ) -> dict[str, list[Span]]:
        """Light and weather: two to four kinds without people, one or none with some."""
        count = int(rng.integers(0, 2)) if self.peopled else int(rng.integers(2, 5))
        first = turn % len(HAPPENINGS)
        names = [HAPPENINGS[first], *rng.permutation(HAPPENINGS)][:count]
        if self.indoors:
            names = [name for name in names if name not in OUTDOORS]
        to_s = free_s if self.impairments else DURATION_S
        spans = {str(name): happen(str(name), rng, QUIET_S, to_s) for name in names}
        if self.impairments:  # the camera's fault alone is to be judged
            spans = {
                name: [Span(s.start_s, min(s.end_s, to_s)) for s in given if s.start_s < to_s - 2]
                for name, given in spans.items()
            }
        return spans

    def _put(self, picture: Image, thing: Thing) -> None:
        left, bottom = self.place.project(thing.x_m, 0.0, thing.z_m)
        wide = self.place.focal_px * thing.size_m[0] / thing.z_m
        high = self.place.focal_px * thing.size_m[1] / thing.z_m
        x, y = round(left - wide / 2), round(bottom - high)
        cv2.rectangle(picture, (x, y), (x + round(wide), y + round(high)), thing.colour, -1)
        lid = tuple(part * 1.2 for part in thing.colour)
        cv2.rectangle(picture, (x, y), (x + round(wide), y + round(0.2 * high)), lid, -1)
        tape = tuple(part * 0.8 for part in thing.colour)
        middle = round(left)
        cv2.line(picture, (middle, y), (middle, y + round(high)), tape, 2)

    def _lay(self, picture: Image, actor: Actor, t_s: float) -> None:
        canvas, mask, origin = actor.draw(t_s)
        self._shade(picture, actor, mask, origin, t_s)
        target, source = _meet(origin, mask.shape)
        if picture[target].size == 0:
            return
        soft = cv2.GaussianBlur(mask, (3, 3), 0)[source].astype(np.float32)[:, :, None] / 255.0
        behind = picture[target].astype(np.float32)
        body = canvas[source].astype(np.float32)
        if self.climate.infrared(t_s):  # lit from the camera: the nearer, the brighter
            body = np.minimum(body * min(_LAMP_REACH_M / actor.where(t_s)[1], 1.6), 255.0)
        picture[target] = (behind + (body - behind) * soft + 0.5).astype(np.uint8)

    def _shade(
        self,
        picture: Image,
        actor: Actor,
        mask: npt.NDArray[np.uint8],
        origin: tuple[int, int],
        t_s: float,
    ) -> None:
        """The soft shadow on the ground under the feet, and one on the wall beside."""
        step = actor.step(t_s)
        wide, high = max(round(0.28 * step.height_px), 2), max(round(0.06 * step.height_px), 2)
        dark = np.zeros((4 * high, 2 * wide), np.float32)
        cv2.ellipse(dark, (wide, 2 * high), (wide * 3 // 4, high), 0, 0, 360, _GROUND, -1)
        dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), high / 2), np.float32)
        at = (round(step.foot_px[0]) - wide, round(step.foot_px[1]) - 2 * high)
        _darken(picture, dark, at)
        side = 1 if self.place.lamp[0] < step.foot_px[0] else -1
        cast = cv2.GaussianBlur(mask, (0, 0), max(0.03 * step.height_px, 1.0))
        away = (origin[0] + side * round(0.2 * step.height_px), origin[1])
        _darken(picture, np.asarray(cast.astype(np.float32) * (0.16 / 255.0), np.float32), away)


def _darken(picture: Image, dark: npt.NDArray[np.float32], origin: tuple[int, int]) -> None:
    target, source = _meet(origin, dark.shape)
    if picture[target].size:
        lit = picture[target].astype(np.float32) * (1.0 - dark[source][:, :, None])
        picture[target] = lit.astype(np.uint8)


def _meet(
    origin: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of the picture and of a patch laid at `origin` (x, y) that coincide."""
    left, top = max(0, origin[0]), max(0, origin[1])
    right = max(left, min(WIDTH_PX, origin[0] + shape[1]))
    bottom = max(top, min(HEIGHT_PX, origin[1] + shape[0]))
    rows = slice(top - origin[1], bottom - origin[1])
    columns = slice(left - origin[0], right - origin[0])
    return (slice(top, bottom), slice(left, right)), (rows, columns)
