"""A person as the camera sees one: joints from a pose, drawn as shaded limbs in textured clothes.

Lengths are fractions of body height, y up from the feet. The picture is drawn on a canvas of its
own with a mask, so that the truth of every pixel is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from simulators.ink import Colour, Ink, Mask, Point, toned
from simulators.source import Image

_ARM = (0.038, 0.031, 0.024)  # radii at shoulder, elbow, wrist


@dataclass(frozen=True, slots=True)
class Look:
    """One person: height, colours (BGR), build, and the phases of their restlessness, which
    `restless` makes smaller or larger; `head` is the head's share of the body, large in children.
    """

    height_m: float
    coat: Colour
    trousers: Colour
    hair: Colour
    skin: Colour
    bag: bool
    phases: tuple[float, ...]
    restless: float = 1.0
    head: float = 1.0
    umbrella: Colour | None = None

    @classmethod
    def anyone(
        cls, rng: np.random.Generator, *, child: bool = False, umbrella: bool = False
    ) -> Look:
        """Somebody by chance from a wide range: any clothes, still or restless."""
        # most clothes are nearly grey
        coat = tuple(
            int(part)
            for part in rng.uniform(25, 200) + rng.uniform(5, 60) * rng.uniform(-0.4, 0.6, 3)
        )
        shade = rng.uniform(0.2, 0.75)
        trousers = tuple(int(part) for part in shade * rng.integers(60, 200, 3))
        skin = rng.uniform(0.45, 1.0)
        open_to = tuple(int(part) for part in rng.integers(20, 200, 3))
        return cls(
            height_m=float(rng.uniform(1.05, 1.3) if child else rng.uniform(1.5, 1.9)),
            coat=(coat[0], coat[1], coat[2]),
            trousers=(trousers[0], trousers[1], trousers[2]),
            hair=toned((60, 70, 90), float(rng.uniform(0.3, 2.4))),
            skin=toned((142, 170, 212), float(skin)),
            bag=bool(rng.random() < 0.4),
            phases=tuple(rng.uniform(0, 2 * math.pi, 8)),
            restless=float(rng.uniform(0.45, 1.3)),
            head=1.35 if child else float(rng.uniform(0.95, 1.05)),
            umbrella=(open_to[0], open_to[1], open_to[2]) if umbrella else None,
        )

    @classmethod
    def of(cls, rng: np.random.Generator) -> Look:
        coats = ((58, 42, 34), (52, 62, 118), (96, 72, 44), (60, 84, 70), (150, 158, 160))
        trousers = ((44, 40, 40), (84, 62, 48), (58, 66, 74))
        return cls(
            height_m=float(rng.uniform(1.62, 1.78)),
            coat=coats[rng.integers(len(coats))],
            trousers=trousers[rng.integers(len(trousers))],
            hair=((24, 24, 28), (38, 44, 58))[rng.integers(2)],
            skin=((142, 170, 212), (128, 156, 200))[rng.integers(2)],
            bag=bool(rng.random() < 0.6),
            phases=tuple(rng.uniform(0, 2 * math.pi, 8)),
        )


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the person is in their movement.

    `stride` is the gait's phase in radians, `walking` 0 (stands) to 1, `facing` -1 (left) to 1,
    `t_s` drives the small movements of somebody who stands.
    """

    t_s: float
    stride: float
    walking: float
    facing: float


class Painter:
    """Draws one look at any pose; `draw` returns (canvas, mask, origin)."""

    def __init__(self, look: Look, rng: np.random.Generator) -> None:
        self.look = look
        weave = rng.normal(128, 13, (900, 600)).astype(np.float32)
        folds = cv2.resize(rng.normal(0, 17, (90, 40)).astype(np.float32), (600, 900))
        self._cloth = np.clip(cv2.GaussianBlur(weave, (0, 0), 1.2) + folds, 60, 200)
        self._cloth3 = cv2.merge([self._cloth.astype(np.uint8)] * 3)

    @property
    def extent(self) -> tuple[float, float]:
        """Half the width and the height of what is drawn, of the figure's height."""
        return (0.2, 1.0) if self.look.umbrella is None else (0.39, 1.23)

    def draw(
        self, pose: Pose, foot: Point, height_px: float
    ) -> tuple[Image, Mask, tuple[int, int]]:
        """Draw a figure `height_px` tall whose feet stand at `foot` (px, in the picture)."""
        above = 1.08 if self.look.umbrella is None else 1.26
        ink, origin = Ink.around(foot, height_px, half=0.42, top=above, below=0.06)
        sway = self._body(ink, pose)
        shift = round(50 + sway * height_px)
        tall, broad = ink.mask.shape
        cloth = self._cloth3[:tall, shift : shift + broad]
        canvas = cv2.multiply(ink.canvas, cloth, scale=1 / 128)
        return np.asarray(canvas, np.uint8), ink.mask, origin

    def _restless(self, t_s: float, rate_hz: float, number: int) -> float:
        swing = math.sin(2 * math.pi * rate_hz * t_s + self.look.phases[number])
        return self.look.restless * swing

    def _body(self, ink: Ink, pose: Pose) -> float:
        """Draw from the back to the front; return the sideways sway of the trunk."""
        look, walk, still = self.look, pose.walking, 1.0 - pose.walking
        turn = pose.facing * walk
        sway = 0.0065 * self._restless(pose.t_s, 0.23, 0) + 0.003 * self._restless(
            pose.t_s, 0.61, 1
        )
        sway *= still
        breath = 0.003 * self._restless(pose.t_s, 0.27, 2)
        bob = 0.012 * walk * abs(math.sin(pose.stride))
        hip = (sway * 0.6, 0.50 + bob)
        chest = (sway * 1.3 + 0.02 * turn, 0.80 + bob + breath)
        head = (
            chest[0] + 0.012 * turn + still * 0.012 * self._restless(pose.t_s, 0.17, 3),
            0.925 + bob + breath,
        )
        wide = 0.105 - 0.05 * walk  # half the shoulders: narrower from the side

        for side in (-1, 1):
            swing = side * math.sin(pose.stride) * walk
            self._leg(ink, hip, side, swing, turn, still)
        arms = [self._arm(pose, side, chest, wide, turn) for side in (-1, 1)]
        if walk > 0.5:
            ink.chain(arms[0], _ARM, look.coat, 0.8)
        self._trunk(ink, hip, chest, wide)
        for arm in arms if walk <= 0.5 else arms[1:]:
            ink.chain(arm, _ARM, look.coat)
            (_, elbow, wrist), along = arm, 0.03 / 0.15
            hand = tuple(w + along * (w - e) for e, w in zip(elbow, wrist, strict=True))
            ink.chain((wrist, (hand[0], hand[1])), (0.016, 0.018), look.skin)
        self._head(ink, head, chest, turn, self._restless(pose.t_s, 0.13, 4) * still)
        if look.umbrella is not None:
            self._umbrella(ink, chest, head, look.umbrella)
        return sway * 1.3

    @staticmethod
    def _umbrella(ink: Ink, chest: Point, head: Point, colour: Colour) -> None:
        top = (head[0] + 0.02, 1.2)
        ink.line((chest[0] + 0.06, chest[1] - 0.1), top, 0.012, (40, 40, 44))
        for part, radius in ((1.0, 0.028), (0.75, 0.05), (0.5, 0.065)):
            ends = (top[0] - 0.34 * part, 1.07), (top[0] + 0.34 * part, 1.07)
            ink.chain((ends[0], (top[0], 1.19 - 0.05 * part), ends[1]), (radius,) * 3, colour)

    def _leg(
        self, ink: Ink, hip: Point, side: int, swing: float, turn: float, still: float
    ) -> None:
        tone = 1.0 if side > 0 else 0.85
        top = (hip[0] + side * (0.045 * still + 0.015), hip[1])
        thigh = 0.48 * swing * (turn or 1.0)
        bend = 0.55 * max(0.0, -swing) + 0.12 * abs(swing)
        knee = (top[0] + 0.245 * math.sin(thigh), top[1] - 0.245 * math.cos(thigh))
        shin = thigh - bend * (turn or 1.0)
        ankle = (knee[0] + 0.225 * math.sin(shin), max(0.03, knee[1] - 0.225 * math.cos(shin)))
        if still > 0.5:
            ankle = (side * 0.062, 0.03)
            knee = ((top[0] + ankle[0]) / 2 + side * 0.004, (top[1] + ankle[1]) / 2)
        toe = (ankle[0] + 0.055 * turn + side * 0.014 * still, ankle[1] - 0.012)
        ink.chain((ankle, toe), (0.026, 0.022), (30, 30, 34), tone)
        ink.chain((top, knee, ankle), (0.060, 0.044, 0.030), self.look.trousers, tone)

    def _arm(
        self, pose: Pose, side: int, chest: Point, wide: float, turn: float
    ) -> tuple[Point, Point, Point]:
        """Return shoulder, elbow, wrist: swinging in gait, never quite at rest in waiting."""
        walk, still = pose.walking, 1.0 - pose.walking
        shoulder = (chest[0] + side * wide, chest[1] - 0.005)
        upper = -0.5 * side * math.sin(pose.stride) * walk * (turn or 1.0)
        upper += still * side * (0.16 + 0.05 * self._restless(pose.t_s, 0.19, 5))
        # a quarter period apart, so that one arm moves while the other turns back
        lift = math.sin(2 * math.pi * 0.13 * pose.t_s + self.look.phases[6] + side * math.pi / 4)
        lift *= self.look.restless
        fore = upper + 0.35 * walk * (turn or 1.0) - still * side * (0.75 + 0.5 * lift)
        elbow = (shoulder[0] + 0.165 * math.sin(upper), shoulder[1] - 0.165 * math.cos(upper))
        wrist = (elbow[0] + 0.15 * math.sin(fore), elbow[1] - 0.15 * math.cos(fore))
        return shoulder, elbow, wrist

    def _trunk(self, ink: Ink, hip: Point, chest: Point, wide: float) -> None:
        look = self.look
        hem = (hip[0], hip[1] - 0.07)
        ink.slab(chest, hem, wide + 0.022, wide * 0.92 + 0.022, look.coat)
        dark = toned(look.coat, 0.55)
        ink.line(chest, hem, 0.006, dark)
        for side in (-wide, wide):
            pocket = (hem[0] + side * 0.7, hip[1] + 0.03), (hem[0] + side * 0.25, hip[1] + 0.02)
            ink.line(*pocket, 0.005, dark)
        if look.bag:
            beside = hip[0] - wide
            strap = (chest[0] + wide * 0.7, chest[1] + 0.02), (beside, hip[1])
            ink.line(*strap, 0.018, (44, 66, 92))
            ink.slab((beside, hip[1] + 0.02), (beside, hip[1] - 0.1), 0.045, 0.05, (52, 78, 108))

    def _head(self, ink: Ink, head: Point, chest: Point, turn: float, look_aside: float) -> None:
        skin, hair = self.look.skin, self.look.hair
        aside = 0.028 * turn + 0.012 * look_aside
        neck = (chest[0], chest[1] + 0.012), (head[0], head[1] - 0.03)
        ink.chain(neck, (0.032, 0.028), toned(skin, 0.8))
        for side in (-1, 1):
            collar = (chest[0], chest[1] + 0.004), (chest[0] + side * 0.034, chest[1] + 0.03)
            ink.chain(collar, (0.012, 0.013), toned(self.look.coat, 0.9))
        crown = (head[0], head[1] + 0.012), (head[0], head[1] - 0.006)
        large = self.look.head
        ink.chain(crown, (0.058 * large, 0.054 * large), hair)
        face = (head[0] + aside, head[1] - 0.003), (head[0] + aside, head[1] - 0.034)
        ink.chain(face, (0.046 * large, 0.036 * large), skin)
        for side in (-1, 1):
            eye = (head[0] + aside * 1.5 + side * 0.019, head[1] - 0.004)
            ink.line((eye[0] - 0.006, eye[1]), (eye[0] + 0.006, eye[1]), 0.006, (50, 56, 72))
            ink.line(
                (eye[0] - 0.009, eye[1] + 0.014), (eye[0] + 0.009, eye[1] + 0.015), 0.004, hair
            )
        nose = (head[0] + aside * 1.8, head[1] - 0.018)
        ink.line((nose[0], nose[1] + 0.008), nose, 0.007, toned(skin, 0.86))
        mouth = (head[0] + aside * 1.5, head[1] - 0.042)
        ink.line((mouth[0] - 0.012, mouth[1]), (mouth[0] + 0.012, mouth[1]), 0.005, (96, 104, 158))
        fringe = (head[0] + aside * 0.8, head[1] + 0.04)
        fringe_ends = (fringe[0] - 0.026, fringe[1]), (fringe[0] + 0.026, fringe[1])
        ink.chain(fringe_ends, (0.021, 0.021), hair)
