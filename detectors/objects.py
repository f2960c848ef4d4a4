"""Things left before the door and taken away again: a parcel, a bag, a balloon that hangs there.

A thing is what never lived, or no longer does (`life`), and was taken into the empty scene. When
the hole of one heals (`ghost`), it has been taken away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.blobs import Box

MOST = 16  # remembered; the oldest is forgotten first
_SAME_PLACE = 0.3  # intersection over union with the box it had


@dataclass(frozen=True, slots=True)
class Thing:
    """Where it stands, in working pixels, and since when, in µs of capture time."""

    box: Box
    since_us: int


@dataclass(slots=True)
class Things:
    """What stands there that was not there when the scene was learnt."""

    standing: list[Thing] = field(default_factory=list)

    def leave(self, thing: Thing) -> bool:
        """Remember a thing; return whether it is news. In infrared the same one is seen anew."""
        if any(known.box.iou(thing.box) >= _SAME_PLACE for known in self.standing):
            return False
        self.standing = [*self.standing, thing][-MOST:]
        return True

    def take_away(self, hole: Box) -> Thing | None:
        """Return the thing that left this hole, None for a hole of something else."""
        best = max(self.standing, key=lambda thing: thing.box.iou(hole), default=None)
        if best is None or best.box.iou(hole) < _SAME_PLACE:
            return None
        self.standing.remove(best)
        return best

    def forget(self) -> None:
        self.standing.clear()
