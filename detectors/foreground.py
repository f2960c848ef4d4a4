"""Stages 2 to 5 in their order: what of a picture is not the empty scene, and could be somebody.

There is one empty scene for day and one for infrared. Pixels that differ in level alone are
light; bodies are what stands on changed structure; holes left by who went away heal at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from detectors.background import Background, Difference, Mask, Plane
from detectors.blobs import Box, Part, clean, find_blobs, find_parts, is_sizeable, split
from detectors.decode import Grey
from detectors.ghost import is_ghost
from detectors.life import LIVE_FRACTION, Past, live_fraction
from detectors.light import is_shade
from detectors.structure import bodies, is_border

_HOLE_MARGIN_PX = 2.0
_FOLLOWED = 0.5  # of its box lies around a track


@dataclass(frozen=True, slots=True)
class View:
    """One picture against the empty scene: `boxes` of bodies, largest first, and their `mask`,
    both (h, w); `limit` is the squared difference noise may reach, grey levels². `changed` is
    255 where a body changed over the last second, None where there is no picture of then; `healed`
    are the holes that became bare scene with it.
    """

    boxes: list[Box]
    mask: Mask
    difference: Difference
    limit: Plane
    changed: Mask | None = None
    healed: tuple[Box, ...] = ()


class Foreground:
    """The empty scenes of one camera. `look` at each picture, then `learn` from it."""

    def __init__(self) -> None:
        self.ghosts = 0
        self.past = Past()
        self._scenes: dict[bool, Background] = {}
        self._aside: dict[bool, Background] = {}
        self._infrared = False

    def forget(self) -> None:
        """The picture has another size: nothing learnt holds."""
        self._scenes.clear()
        self.past.clear()
        self._aside.clear()

    def set_aside(self) -> None:
        """The camera sees another scene, perhaps for a while: learn it, and keep the first."""
        self._aside = self._aside or self._scenes
        self._scenes = {}
        self.past.clear()

    def bring_back(self, *, learnt: bool) -> None:
        """What was another scene is gone, or `learnt` as the usual one."""
        if self._aside and not learnt:
            self._scenes = self._aside
        self._aside = {}

    def knows(self, *, infrared: bool) -> bool:
        """Whether the empty scene of that mode has been learnt."""
        scene = self._scenes.get(infrared)
        return scene is not None and scene.warm

    def look(
        self,
        grey: Grey,
        at_us: int,
        step_s: float,
        frozen: Mask | None,
        *,
        infrared: bool,
        hidden: Mask | None = None,
    ) -> View | None:
        """Compare a picture, (h, w) uint8; None while the scene is being
        learnt. `frozen` is 255 around every track, `hidden` where the picture was blackened.
        """
        if hidden is not None:  # black says nothing of the light
            frozen = hidden if frozen is None else np.asarray(cv2.bitwise_or(frozen, hidden))
        scene = self._scene(grey, frozen, infrared=infrared)
        seen = scene.subtract(grey, frozen)
        if hidden is not None:
            seen.expected[hidden > 0] = 0.0
        if not scene.warm:
            scene.learn(seen, step_s, frozen)
            self.past.clear()
            return None
        self.past.add(at_us, grey)
        if hidden is not None:
            seen = replace(seen, mask=np.asarray(cv2.subtract(seen.mask, hidden), np.uint8))
        mask = clean(seen.mask)
        if not cv2.countNonZero(mask):
            return View([], mask, seen, scene.limit)
        body = bodies(seen, mask, scene.limit)
        seen = replace(seen, mask=np.asarray(cv2.bitwise_and(seen.mask, body), np.uint8))
        solid = clean(body)
        parts = find_parts(solid)
        changed = self.past.changed(at_us, grey, scene.limit, [part.box for part in parts])
        holes = [part for part in parts if _is_hole(part, seen, solid, changed, frozen)]
        healed = tuple(hole.box for hole in holes if not _moves(changed, solid, hole.box))
        for box in healed:
            self._heal(scene, seen, box)
        parts = [part for part in parts if part not in holes]
        boxes = [
            one
            for box in find_blobs(solid, parts)
            if not is_border(solid, mask, box)
            for one in _apart(box, seen, solid)
        ]
        return View(boxes, solid, seen, scene.limit, changed, healed)

    def learn(self, view: View, step_s: float, frozen: Mask | None) -> None:
        """Let the scene move towards the picture just looked at."""
        self._scenes[self._infrared].learn(view.difference, step_s, frozen)

    def take_in(self, view: View, box: Box) -> None:
        """What stands in the box is a thing: from now on it belongs to the empty scene."""
        where: Mask = np.zeros_like(view.mask)
        where[box.window] = 255
        self._scenes[self._infrared].adopt(view.difference, where)

    def _scene(self, grey: Grey, frozen: Mask | None, *, infrared: bool) -> Background:
        before = self._scenes.get(self._infrared)
        if infrared != self._infrared:
            self._infrared = infrared
            self.past.clear()
        scene = self._scenes.get(infrared)
        if scene is None:
            scene = self._scenes[infrared] = Background(grey)
            if before is not None and frozen is not None:
                scene.keep(before, grey, frozen)
        return scene

    def _heal(self, scene: Background, seen: Difference, box: Box) -> None:
        self.ghosts += 1
        where: Mask = np.zeros_like(seen.mask)
        where[box.grown(_HOLE_MARGIN_PX).window] = 255
        scene.adopt(seen, where)


def _apart(box: Box, seen: Difference, solid: Mask) -> list[Box]:
    """Return two who stand side by side as two, somebody beside their own shadow as one."""
    halves = split(box, seen.mask)
    if len(halves) == 1:
        return halves
    return [half for half in halves if not is_shade(seen, solid, half)] or [box]


def _is_hole(
    part: Part, seen: Difference, solid: Mask, changed: Mask | None, frozen: Mask | None
) -> bool:
    """Whether somebody learnt into the scene stood there.

    A hole is the bare scene, so it does not move. Until it has been still for a second it is
    nobody new, and where somebody is followed it is still them.
    """
    box = part.box
    if not is_sizeable(solid, part):
        return False
    around_px = 0 if frozen is None else cv2.countNonZero(frozen[box.window])
    if around_px > _FOLLOWED * box.area and _moves(changed, solid, box):
        return False
    return is_ghost(seen, solid, box)


def _moves(changed: Mask | None, solid: Mask, box: Box) -> bool:
    return changed is not None and live_fraction(changed, solid, box) >= LIVE_FRACTION
