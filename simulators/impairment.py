"""Faults of a camera: covered, defocused, moved, frozen, dark, no frames."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from simulators.places import HEIGHT_PX, MARGIN_PX, WIDTH_PX
from simulators.source import Image

_ONSET_S = 0.6  # a hand, a cloth, a turn of the lens


class Kind(StrEnum):
    """What can be wrong with a camera."""

    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    FROZEN = "frozen"
    DARK = "dark"
    NO_FRAMES = "no_frames"


@dataclass(frozen=True, slots=True)
class Impairment:
    """One fault from `start_s` to `end_s`. `look` (four numbers 0 to 1) is how it comes about."""

    kind: Kind
    start_s: float
    end_s: float
    look: tuple[float, float, float, float]

    def active(self, t_s: float) -> bool:
        return self.start_s <= t_s < self.end_s

    def shift_px(self, t_s: float) -> tuple[int, int]:
        """Return how far a moved camera looks beside its place: (right, down)."""
        if self.kind is not Kind.MOVED or not self.active(t_s):
            return 0, 0
        part = min((t_s - self.start_s) / _ONSET_S, 1.0)
        across = (0.55 + 0.4 * self.look[0]) * (1 if self.look[1] < 0.5 else -1)
        along = 0.7 * (self.look[2] - 0.5) * 2
        return round(part * across * MARGIN_PX), round(part * along * MARGIN_PX)

    def impair(self, picture: Image, t_s: float) -> Image:
        """Return what the impaired camera gives; `frozen` and `no_frames` are the sender's."""
        if not self.active(t_s):
            return picture
        part = min((t_s - self.start_s) / _ONSET_S, 1.0)
        if self.kind is Kind.COVERED:
            return self._covered(picture, part)
        if self.kind is Kind.DEFOCUSED:
            sigma = part * (3.2 + 2.5 * self.look[0])
            blurred = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.2))
            return np.asarray(blurred, np.uint8)
        if self.kind is Kind.DARK:
            left = 1.0 - part * (0.955 + 0.03 * self.look[0])
            return np.asarray(cv2.convertScaleAbs(picture, alpha=left, beta=4), np.uint8)
        return picture

    def _covered(self, picture: Image, part: float) -> Image:
        """A cloth or tape slides before the lens from one side: near, so without detail."""
        tone = 12.0 + 150.0 * self.look[0] ** 2
        colour = tone * np.array((0.9 + 0.2 * self.look[1], 1.0, 0.9 + 0.2 * self.look[2]))
        columns = np.linspace(0.85, 1.1, WIDTH_PX)[None, :, None]
        cover = np.clip(np.ones((HEIGHT_PX, 1, 1)) * columns * colour, 0, 255)
        share = 0.93 + 0.07 * self.look[3]  # a corner may stay free
        edge = round(part * share * WIDTH_PX)
        covered = picture.copy()
        covered[:, :edge] = cover[:, :edge].astype(np.uint8)
        return covered
