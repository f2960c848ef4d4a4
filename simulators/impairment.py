"""Faults of a camera: covered, defocused, moved, frozen, dark, no frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from simulators.covers import COVERS
from simulators.places import HEIGHT_PX, MARGIN_PX, WIDTH_PX
from simulators.source import Image, encode_jpeg

_ONSET_S = 0.6  # a hand, a cloth, a turn of the lens
_MAX_TURN = 7.0  # degrees


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

    def view(self, wide: Image, t_s: float) -> Image:
        """Return what the camera sees of a picture with `MARGIN_PX` around it: of a moved one
        another part, from a nudge of a fiftieth of the width to a tenth, and a little turned.
        """
        moved = self.kind is Kind.MOVED and self.active(t_s)
        part = min((t_s - self.start_s) / _ONSET_S, 1.0) if moved else 0.0
        across = (0.25 + 0.7 * self.look[0]) * (1 if self.look[1] < 0.5 else -1)
        along = 0.7 * (self.look[2] - 0.5) * 2
        right, down = (round(part * share * MARGIN_PX) for share in (across, along))
        turn = part * _MAX_TURN * (self.look[3] * 4 - 3) if self.look[3] > 0.5 else 0.0
        if turn:
            middle = (wide.shape[1] / 2 + right, wide.shape[0] / 2 + down)
            around = cv2.getRotationMatrix2D(middle, turn, 1.0)
            size = (wide.shape[1], wide.shape[0])
            turned = cv2.warpAffine(wide, around, size, borderMode=cv2.BORDER_REFLECT_101)
            wide = np.asarray(turned, np.uint8)
        left, top = MARGIN_PX + right, MARGIN_PX + down
        return np.ascontiguousarray(wide[top : top + HEIGHT_PX, left : left + WIDTH_PX])

    def impair(self, picture: Image, t_s: float) -> Image:
        """Return what the impaired camera gives; `frozen` and `no_frames` are the sender's."""
        if not self.active(t_s):
            return picture
        part = min((t_s - self.start_s) / _ONSET_S, 1.0)
        if self.kind is Kind.COVERED:
            covers = tuple(COVERS.values())
            cover = covers[math.floor(self.look[1] * len(covers))]
            return cover(picture, t_s - self.start_s, self.look)
        if self.kind is Kind.DEFOCUSED:
            sigma = part * (3.0 + 4.0 * self.look[0])
            blurred = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.2))
            return np.asarray(blurred, np.uint8)
        if self.kind is Kind.DARK:
            left = 1.0 - part * (0.94 + 0.05 * self.look[0])
            return np.asarray(cv2.convertScaleAbs(picture, alpha=left, beta=4), np.uint8)
        return picture

    def repeat(self, jpeg: bytes, t_s: float) -> bytes:
        """Return what a frozen camera sends for the picture that it shows: the same bytes, or
        the same picture encoded anew, in two qualities in turn.
        """
        if self.look[0] < 0.5:
            return jpeg
        shown: npt.NDArray[np.uint8] = np.frombuffer(jpeg, np.uint8)
        picture = np.asarray(cv2.imdecode(shown, cv2.IMREAD_COLOR), np.uint8)
        return encode_jpeg(picture, 78 if round(t_s * 5) % 2 else 80)
