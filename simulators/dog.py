"""A dog as the camera sees one: trots, sniffs, wags. Lengths are fractions of its height."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulators.figure import Pose
from simulators.ink import Colour, Ink, Mask, Point, toned
from simulators.source import Image


@dataclass(frozen=True, slots=True)
class DogLook:
    """One dog: height at the head in metres, its coat."""

    height_m: float
    coat: Colour

    @classmethod
    def anydog(cls, rng: np.random.Generator) -> DogLook:
        tone = float(rng.uniform(0.3, 1.6))
        return cls(float(rng.uniform(0.32, 0.58)), toned((70, 105, 140), tone))


class DogPainter:
    """Draws the dog from its side; `draw` returns (canvas, mask, origin)."""

    extent = (0.85, 1.0)  # half the width and the height of what is drawn, of its height

    def __init__(self, look: DogLook) -> None:
        self.look = look

    def draw(
        self, pose: Pose, foot: Point, height_px: float
    ) -> tuple[Image, Mask, tuple[int, int]]:
        """Draw it `height_px` tall with its paws around `foot` (px, in the picture)."""
        ink, origin = Ink.around(foot, height_px, half=1.1, top=1.15, below=0.1)
        self._paint(ink, pose)
        return ink.canvas, ink.mask, origin

    def _paint(self, ink: Ink, pose: Pose) -> None:
        coat, ahead = self.look.coat, pose.facing or 1.0
        wag = math.sin(2 * math.pi * 2.3 * pose.t_s)
        nod = 0.12 * (1.0 - pose.walking) * math.sin(2 * math.pi * 0.4 * pose.t_s)
        for number, place in enumerate((-0.38, -0.3, 0.3, 0.38)):
            swing = 0.16 * pose.walking * math.sin(2 * pose.stride + math.pi * number)
            knee = (ahead * place + swing / 2, 0.25)
            tone = 0.8 if number % 2 else 1.0
            joints = ((ahead * place, 0.5), knee, (ahead * place + swing, 0.04))
            ink.chain(joints, (0.1, 0.06, 0.05), coat, tone)
        ink.chain(((-0.4 * ahead, 0.66), (-0.62 * ahead, 0.86 + 0.08 * wag)), (0.05, 0.03), coat)
        ink.chain(((-0.36 * ahead, 0.56), (0.36 * ahead, 0.58)), (0.17, 0.19), coat)
        head = (0.6 * ahead, 0.86 + nod)
        ink.chain(((0.38 * ahead, 0.66), head), (0.14, 0.13), coat)
        ink.chain((head, (0.84 * ahead, 0.8 + nod)), (0.13, 0.07), toned(coat, 0.85))
