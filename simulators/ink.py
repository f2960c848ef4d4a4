"""Strokes that look round: limbs, slabs and lines, laid in layers from a dark rim to a lit side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from simulators.source import Image

Mask = npt.NDArray[np.uint8]  # height x width, 255 where the figure is
Point = tuple[float, float]  # fractions of body height from the feet, y up
Colour = tuple[int, int, int]  # BGR

_SUBPIXEL = 4  # bits of fraction in drawn coordinates
_LAYERS = 7


def toned(colour: Colour, factor: float) -> Colour:
    """Return the colour lighter or darker."""
    blue, green, red = (min(255, round(part * factor)) for part in colour)
    return blue, green, red


class Ink:
    """Strokes on canvas and mask, in fractions of body height from `foot`."""

    def __init__(self, canvas: Image, mask: Mask, foot: Point, height_px: float) -> None:
        self.canvas = canvas
        self.mask = mask
        self._foot = foot
        self._height_px = height_px

    @classmethod
    def around(
        cls, foot: Point, height_px: float, *, half: float, top: float, below: float
    ) -> tuple[Ink, tuple[int, int]]:
        """Return an empty canvas around `foot` (px, in the picture) and its origin there.

        `half` the width, `top` and `below` the feet are fractions of the height.
        """
        aside, above = round(half * height_px), round(top * height_px)
        origin = (math.floor(foot[0]) - aside, math.floor(foot[1]) - above)
        size = (above + round(below * height_px), 2 * aside)
        at = (foot[0] - origin[0], foot[1] - origin[1])
        canvas, mask = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
        return cls(canvas, mask, at, height_px), origin

    def _px(self, point: Point) -> npt.NDArray[np.float64]:
        return np.array(
            (self._foot[0] + point[0] * self._height_px, self._foot[1] - point[1] * self._height_px)
        )

    def chain(
        self, joints: Sequence[Point], radii: Sequence[float], colour: Colour, tone: float = 1.0
    ) -> None:
        """A round limb through `joints`, lit from above right; without a seam at the joints."""
        points = [self._px(joint) for joint in joints]
        for layer in range(_LAYERS):
            part = layer / (_LAYERS - 1)
            width = self._height_px * (1.0 - 0.72 * part)
            move = np.array((0.30, -0.34)) * part * self._height_px
            shade = toned(colour, tone * (0.56 + 0.62 * part))
            ends = [
                (point + move * radius, radius * width)
                for point, radius in zip(points, radii, strict=True)
            ]
            for start, end in pairwise(ends):
                self._taper((start, end), shade, mask=layer == 0)

    def slab(self, a: Point, b: Point, half_a: float, half_b: float, colour: Colour) -> None:
        """A broad body part with rounded corners, lit across."""
        for layer in range(_LAYERS):
            part = layer / (_LAYERS - 1)
            keep = 1.0 - 0.62 * part
            shade = toned(colour, 0.6 + 0.55 * part)
            shift = 0.14 * part
            corners = np.array(
                [
                    self._px((a[0] + half_a * (shift - keep), a[1])),
                    self._px((a[0] + half_a * (shift + keep), a[1])),
                    self._px((b[0] + half_b * (shift + keep), b[1])),
                    self._px((b[0] + half_b * (shift - keep), b[1])),
                ]
            )
            for at, half in ((a, half_a), (b, half_b)):
                centre = self._px((at[0] + half * shift, at[1]))
                axes = np.array((half * keep, 0.03 if at == a else 0.015)) * self._height_px
                self._ellipse(centre, axes, shade, mask=layer == 0)
            self._polygon(corners, shade, mask=layer == 0)

    def line(self, a: Point, b: Point, width: float, colour: Colour) -> None:
        half = width * self._height_px / 2
        self._taper(((self._px(a), half), (self._px(b), half)), colour, mask=True)

    def _taper(
        self,
        ends: tuple[tuple[npt.NDArray[np.float64], float], tuple[npt.NDArray[np.float64], float]],
        colour: Colour,
        *,
        mask: bool,
    ) -> None:
        (start, radius_a), (end, radius_b) = ends
        for centre, radius in ends:
            self._ellipse(centre, np.array((radius, radius)), colour, mask=mask)
        along = end - start
        length = float(np.hypot(*along))
        if length < 0.5:
            return
        normal = np.array((-along[1], along[0])) / length
        self._polygon(
            np.array(
                [
                    start + normal * radius_a,
                    end + normal * radius_b,
                    end - normal * radius_b,
                    start - normal * radius_a,
                ]
            ),
            colour,
            mask=mask,
        )

    def _ellipse(
        self,
        centre: npt.NDArray[np.float64],
        axes: npt.NDArray[np.float64],
        colour: Colour,
        *,
        mask: bool,
    ) -> None:
        fine = 1 << _SUBPIXEL
        where = (round(centre[0] * fine), round(centre[1] * fine))
        radii = (max(1, round(axes[0] * fine)), max(1, round(axes[1] * fine)))
        cv2.ellipse(self.canvas, where, radii, 0, 0, 360, colour, -1, cv2.LINE_AA, _SUBPIXEL)
        if mask:
            cv2.ellipse(self.mask, where, radii, 0, 0, 360, 255, -1, cv2.LINE_AA, _SUBPIXEL)

    def _polygon(self, corners: npt.NDArray[np.float64], colour: Colour, *, mask: bool) -> None:
        fine = np.round(corners * (1 << _SUBPIXEL)).astype(np.int32)
        cv2.fillConvexPoly(self.canvas, fine, colour, cv2.LINE_AA, _SUBPIXEL)
        if mask:
            cv2.fillConvexPoly(self.mask, fine, 255, cv2.LINE_AA, _SUBPIXEL)
