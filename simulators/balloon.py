"""A balloon on a string, held down by a weight, as the camera sees it: it sways about its foot, and
its picture with it. Lengths are fractions of its height above the ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulators.figure import Pose
from simulators.ink import Colour, Ink, Mask, Point, toned
from simulators.source import Image

_STRING = 0.004


@dataclass(frozen=True, slots=True)
class BalloonLook:
    """One balloon: height of its top in metres, colour, `half` its half width and `long` its
    own length; it swings by `swing_rad` about its foot in `period_s`, and back and forth in
    `twist_s`.
    """

    height_m: float
    colour: Colour
    half: float
    long: float
    swing_rad: float
    period_s: float
    twist_s: float
    phase: float

    @classmethod
    def anyballoon(cls, rng: np.random.Generator) -> BalloonLook:
        """A balloon by chance: from a child's to a foil figure of a metre."""
        blue, green, red = (int(part) for part in rng.uniform(30, 230, 3))
        long = float(rng.uniform(0.45, 0.6))
        return cls(
            height_m=float(rng.uniform(1.2, 1.7)),
            colour=(blue, green, red),
            half=long * float(rng.uniform(0.32, 0.42)),
            long=long,
            swing_rad=float(rng.uniform(0.04, 0.16)),
            period_s=float(rng.uniform(1.6, 3.6)),
            twist_s=float(rng.uniform(4.0, 9.0)),
            phase=float(rng.uniform(0, 2 * math.pi)),
        )


class BalloonPainter:
    """Draws the balloon; `draw` returns (canvas, mask, origin)."""

    extent = (0.25, 1.0)  # half the width and the height of what is drawn, of its height

    def __init__(self, look: BalloonLook) -> None:
        self.look = look

    def draw(
        self, pose: Pose, foot: Point, height_px: float
    ) -> tuple[Image, Mask, tuple[int, int]]:
        """Draw it `height_px` tall over its weight at `foot` (px, in the picture)."""
        ink, origin = Ink.around(foot, height_px, half=0.55, top=1.1, below=0.06)
        self._paint(ink, pose.t_s)
        return ink.canvas, ink.mask, origin

    def _paint(self, ink: Ink, t_s: float) -> None:
        look = self.look
        turn = look.swing_rad * (
            0.7 * math.sin(2 * math.pi * t_s / look.period_s + look.phase)
            + 0.3 * math.sin(2 * math.pi * t_s / look.twist_s)
        )
        along, across = (math.sin(turn), math.cos(turn)), (math.cos(turn), -math.sin(turn))

        def at(up: float, aside: float = 0.0) -> Point:
            return (up * along[0] + aside * across[0], up * along[1] + aside * across[1])

        low, high = 1.0 - look.long, 1.0
        ink.line((0.0, 0.02), at(low), _STRING, (150, 150, 150))
        ink.chain(((-0.02, 0.015), (0.02, 0.015)), (0.025, 0.025), toned(look.colour, 0.6))
        middle = low + 0.6 * look.long
        joints = (at(low + 0.06 * look.long), at(middle), at(high - look.half))
        ink.chain(joints, (0.1 * look.half, 0.92 * look.half, look.half), look.colour)
        # a print, and the lamp's highlight
        ink.line(at(middle, -0.5 * look.half), at(middle, 0.5 * look.half), 0.03, (235, 235, 235))
        spot = at(high - 0.8 * look.half, 0.4 * look.half)
        ink.chain((spot, spot), (0.16 * look.half,) * 2, (250, 250, 250))
