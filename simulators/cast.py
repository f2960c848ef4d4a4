"""Who comes to a rendered door: figures on paths in metres, what they do, when, and the truth.

The truth of loitering is worked out from the paths, in the picture's terms (foot point and body
height in px), by the rule itself; no detector has a part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulators.balloon import BalloonLook, BalloonPainter
from simulators.dog import DogLook, DogPainter
from simulators.figure import Look, Painter, Pose
from simulators.places import HEIGHT_PX, WIDTH_PX, Place
from simulators.source import Image

WALK_M_S = (0.9, 1.4)
_STRIDE_M = 1.35
_TURN_S = 0.35
_HALF_WIDTH = 0.24  # of body height, walking
_SAMPLE_S = 0.1

Box = tuple[float, float, float, float]
Waypoint = tuple[float, float, float]  # t_s, x_m, z_m


@dataclass(frozen=True, slots=True)
class Step:
    """Where an actor is at `t_s`: foot point and height in px, and the box in fractions, cut
    to the picture.
    """

    t_s: float
    foot_px: tuple[float, float]
    height_px: float
    box: Box


class Actor:
    """A figure that moves along `way`, straight from point to point; there only in between."""

    def __init__(
        self,
        painter: Painter | DogPainter | BalloonPainter,
        way: list[Waypoint],
        place: Place,
        *,
        person: bool,
    ) -> None:
        self.painter = painter
        self.person = person
        self._way: npt.NDArray[np.float64] = np.array(way, np.float64)
        moved = np.hypot(*np.diff(self._way[:, 1:], axis=0).T)
        self._gone_m = np.concatenate(([0.0], np.cumsum(moved)))
        self._place = place
        self.starts_s, self.ends_s = float(way[0][0]), float(way[-1][0])

    def there(self, t_s: float) -> bool:
        return self.starts_s <= t_s < self.ends_s

    def where(self, t_s: float) -> tuple[float, float]:
        """Return (x, z) in metres."""
        times = self._way[:, 0]
        return (
            float(np.interp(t_s, times, self._way[:, 1])),
            float(np.interp(t_s, times, self._way[:, 2])),
        )

    def step(self, t_s: float) -> Step:
        x_m, z_m = self.where(t_s)
        foot = self._place.project(x_m, 0.0, z_m)
        height = self._place.focal_px * self.painter.look.height_m / z_m
        half, tall = self.painter.extent
        left, right = max(foot[0] - half * height, 0.0), min(foot[0] + half * height, WIDTH_PX)
        top, bottom = max(foot[1] - tall * height, 0.0), min(foot[1], HEIGHT_PX)
        box = (
            left / WIDTH_PX,
            top / HEIGHT_PX,
            max(right - left, 0.0) / WIDTH_PX,
            max(bottom - top, 0.0) / HEIGHT_PX,
        )
        return Step(t_s, foot, height, box)

    def seen(self) -> list[Step]:
        """Return the steps from when half of them is in the picture until it no longer is."""
        count = round((self.ends_s - self.starts_s) / _SAMPLE_S)
        steps = (self.step(self.starts_s + number * _SAMPLE_S) for number in range(count))
        return [step for step in steps if 0.0 <= step.foot_px[0] <= WIDTH_PX]

    def draw(self, t_s: float) -> tuple[Image, npt.NDArray[np.uint8], tuple[int, int]]:
        """Return (canvas, mask, origin) as the painter does."""
        step = self.step(t_s)
        return self.painter.draw(self._pose(t_s), step.foot_px, step.height_px)

    def _pose(self, t_s: float) -> Pose:
        (x0, z0), (x1, z1) = self.where(t_s - _TURN_S / 2), self.where(t_s + _TURN_S / 2)
        speed = math.hypot(x1 - x0, z1 - z0) / _TURN_S
        gone_m = float(np.interp(t_s, self._way[:, 0], self._gone_m))
        facing = math.copysign(1.0, x1 - x0) if abs(x1 - x0) > 1e-3 else 1.0
        return Pose(t_s, 2 * math.pi * gone_m / _STRIDE_M, min(1.0, speed / 0.6), facing)


@dataclass(frozen=True, slots=True)
class Thing:
    """A parcel: a box of metres that lies there from `from_s` to `to_s`."""

    from_s: float
    to_s: float
    x_m: float
    z_m: float
    size_m: tuple[float, float]
    colour: tuple[float, float, float]


@dataclass(slots=True)
class Act:
    """Something with people in it: who, what they leave behind, and when it is over."""

    name: str
    actors: list[Actor]
    things: list[Thing]
    ends_s: float


class Director:
    """Puts acts on, one after another, by chance of `rng`. T is `threshold_s`: who stays, stays
    clearly longer, who does not, clearly shorter.
    """

    def __init__(self, rng: np.random.Generator, place: Place, threshold_s: float) -> None:
        self._rng = rng
        self._place = place
        self._threshold_s = threshold_s

    def act(self, name: str, start_s: float, last_s: float) -> Act:
        """Play `name` (one of `ACTS`) from `start_s`; what is left behind lies until `last_s`."""
        actors, things = ACTS[name](self, start_s, last_s)
        return Act(name, actors, things, max(actor.ends_s for actor in actors))

    def _uniform(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))

    def _long_s(self) -> float:
        return self._threshold_s + self._uniform(4.0, 12.0)

    def _visit(
        self,
        start_s: float,
        stay_s: float,
        *,
        child: bool = False,
        umbrella: bool = False,
        stand_x_m: float | None = None,
        side: float | None = None,
    ) -> Actor:
        """Come from one side, stand, go to either side."""
        look = Look.anyone(self._rng, child=child, umbrella=umbrella)
        z_m = self._uniform(1.9, 2.8)
        edge_m = self._place.edge_m(z_m, _HALF_WIDTH * look.height_m)
        side = side or (1.0 if self._rng.random() < 0.5 else -1.0)
        x_m = self._uniform(-0.45, 0.45) if stand_x_m is None else stand_x_m
        pace = self._uniform(*WALK_M_S)
        out_m = edge_m * (1.0 if self._rng.random() < 0.5 else -1.0)
        stands_s = start_s + abs(side * edge_m - x_m) / pace
        leaves_s = stands_s + stay_s
        # nobody keeps to a point: they shift their weight and turn
        way: list[Waypoint] = [(start_s, side * edge_m, z_m), (stands_s, x_m, z_m)]
        at_s = stands_s + self._uniform(2.0, 5.0)
        while at_s < leaves_s - 1.5:
            near = x_m + self._uniform(-0.12, 0.12)
            way += [(at_s, way[-1][1], way[-1][2]), (at_s + 0.5, near, z_m)]
            at_s += self._uniform(2.5, 6.0)
        way += [(leaves_s, way[-1][1], way[-1][2])]
        way += [(leaves_s + abs(out_m - way[-1][1]) / pace, out_m, z_m)]
        return Actor(Painter(look, self._rng), way, self._place, person=True)

    def _visitor(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        return [self._visit(start_s, self._long_s())], []

    def _child(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        return [self._visit(start_s, self._long_s(), child=True)], []

    def _umbrella(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        return [self._visit(start_s, self._long_s(), umbrella=True)], []

    def _brief(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        return [self._visit(start_s, self._uniform(1.0, 2.5))], []

    def _pair(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        apart_m, stay_s = self._uniform(0.7, 1.1), self._long_s()
        side = 1.0 if self._rng.random() < 0.5 else -1.0
        first = self._visit(start_s, stay_s, stand_x_m=-side * apart_m / 2, side=side)
        second = self._visit(
            start_s + self._uniform(0.7, 1.5), stay_s, stand_x_m=side * apart_m / 2, side=side
        )
        return [first, second], []

    def _with_dog(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        walker = self._visit(start_s, self._long_s(), stand_x_m=-0.3)
        beside: list[Waypoint] = []
        at_s = start_s
        while at_s < walker.ends_s:
            x_m, z_m = walker.where(at_s - 0.3)
            beside.append((at_s, x_m + 0.55 + self._uniform(-0.1, 0.1), z_m - 0.1))
            at_s += 0.9
        beside.append((walker.ends_s, *walker.where(walker.ends_s)))
        dog = DogPainter(DogLook.anydog(self._rng))
        return [walker, Actor(dog, beside, self._place, person=False)], []

    def _pacer(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        """To and fro before the door, never on one spot for long: 2 T in view."""
        look = Look.anyone(self._rng)
        z_m, pace = self._uniform(2.4, 2.9), self._uniform(0.7, 1.0)
        edge_m = self._place.edge_m(z_m, _HALF_WIDTH * look.height_m)
        reach_m = 0.85 * look.height_m
        over_s = start_s + 2 * self._threshold_s + self._uniform(5.0, 9.0)
        way: list[Waypoint] = [(start_s, -edge_m, z_m)]
        goal = reach_m
        while way[-1][0] < over_s:
            at_s, x_m, _ = way[-1]
            way.append((at_s + abs(goal - x_m) / pace, goal, z_m + self._uniform(-0.1, 0.1)))
            goal = -goal
        at_s, x_m, at_z_m = way[-1]
        out_m = math.copysign(edge_m, x_m)
        way.append((at_s + abs(out_m - x_m) / pace, out_m, at_z_m))
        return [Actor(Painter(look, self._rng), way, self._place, person=True)], []

    def _passers(self, start_s: float, _last_s: float) -> tuple[list[Actor], list[Thing]]:
        """One to three people go by, farther off."""
        actors = []
        for number in range(int(self._rng.integers(1, 4))):
            look = Look.anyone(self._rng)
            z_m = self._uniform(3.0, self._place.depth_m)
            edge_m = self._place.edge_m(z_m, _HALF_WIDTH * look.height_m)
            edge_m *= 1.0 if self._rng.random() < 0.5 else -1.0
            at_s = start_s + number * self._uniform(1.0, 5.0)
            goes_s = 2 * abs(edge_m) / self._uniform(1.1, 1.5)
            way: list[Waypoint] = [(at_s, edge_m, z_m), (at_s + goes_s, -edge_m, z_m)]
            actors.append(Actor(Painter(look, self._rng), way, self._place, person=True))
        return actors, []

    def _courier(self, start_s: float, last_s: float) -> tuple[list[Actor], list[Thing]]:
        """Puts a parcel down and goes; it stays."""
        courier = self._visit(start_s, 2.0, stand_x_m=0.25)
        middle_s = next(
            start_s + n * 0.1 for n in range(400) if abs(courier.where(start_s + n * 0.1)[0]) < 0.3
        )
        x_m, z_m = courier.where(middle_s)
        size_m = (self._uniform(0.3, 0.55), self._uniform(0.25, 0.65))
        shade = self._uniform(0.6, 1.2)
        colour = (96 * shade, 140 * shade, 176 * shade)
        return [courier], [Thing(middle_s + 1.0, last_s, x_m + 0.45, z_m - 0.15, size_m, colour)]

    def stray(self, start_s: float, end_s: float) -> Actor:
        """A dog alone, about before the door."""
        look = DogLook.anydog(self._rng)
        z_m = self._uniform(2.2, 3.2)
        edge_m = self._place.edge_m(z_m, look.height_m)
        way: list[Waypoint] = [(start_s, edge_m, z_m)]
        while way[-1][0] < end_s:
            at_s, x_m, _ = way[-1]
            goal = self._uniform(-0.8, 0.8) * edge_m
            arrives_s = at_s + 0.2 + abs(goal - x_m) / self._uniform(0.8, 1.8)
            rests_s = arrives_s + self._uniform(0.2, 2.5)
            way += [(arrives_s, goal, z_m), (rests_s, goal, z_m)]
        at_s, x_m, _ = way[-1]
        way.append((at_s + abs(edge_m + x_m) / 1.5, -edge_m, z_m))
        return Actor(DogPainter(look), way, self._place, person=False)

    def balloon(self, start_s: float, end_s: float) -> Actor:
        """A balloon that somebody out of view brings, and that sways before the door."""
        painter = BalloonPainter(BalloonLook.anyballoon(self._rng))
        z_m = self._uniform(1.9, 2.8)
        edge_m = self._place.edge_m(z_m, painter.look.height_m)
        edge_m *= 1.0 if self._rng.random() < 0.5 else -1.0
        x_m = self._uniform(-0.5, 0.5)
        comes_s = abs(edge_m - x_m) / self._uniform(0.5, 1.0)
        way: list[Waypoint] = [
            (start_s, edge_m, z_m),
            (start_s + comes_s, x_m, z_m),
            (end_s - comes_s, x_m, z_m),
            (end_s, edge_m, z_m),
        ]
        return Actor(painter, way, self._place, person=False)


_Play = Callable[[Director, float, float], tuple[list[Actor], list[Thing]]]
ACTS: dict[str, _Play] = {
    "visitor": Director._visitor,  # noqa: SLF001 - a table of its own methods
    "brief": Director._brief,  # noqa: SLF001
    "pacer": Director._pacer,  # noqa: SLF001
    "pair": Director._pair,  # noqa: SLF001
    "courier": Director._courier,  # noqa: SLF001
    "child": Director._child,  # noqa: SLF001
    "umbrella": Director._umbrella,  # noqa: SLF001
    "passers": Director._passers,  # noqa: SLF001
    "with_dog": Director._with_dog,  # noqa: SLF001
}
