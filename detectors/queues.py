"""Frames that wait: few per camera, the oldest dropped first, cameras served in turn.

So a camera that floods loses its own frames and no other camera's.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from core.frames import Frame

KEEP = 10  # frames of one camera, 2 s at 5 fps: longer than the object store may keep us (1 s)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame and when it was received, monotonic seconds."""

    frame: Frame
    received_s: float


class FairQueue:
    """Not locked; the owner locks it."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._turns: OrderedDict[str, deque[Waiting]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def waits(self, device_id: str) -> bool:
        return device_id in self._turns

    def put(self, device_id: str, waiting: Waiting) -> int:
        """Add a frame; return how many older ones of this camera were dropped for it."""
        line = self._turns.setdefault(device_id, deque())
        line.append(waiting)
        if len(line) <= self._keep:
            return 0
        line.popleft()
        return 1

    def drop(self, gone: Callable[[str], bool]) -> None:
        """Forget the frames of cameras that are another's now."""
        self._turns = OrderedDict((k, v) for k, v in self._turns.items() if not gone(k))

    def take(self) -> tuple[str, Waiting] | None:
        """Return the oldest frame of the camera whose turn it is, None when all are served."""
        if not self._turns:
            return None
        device_id, line = self._turns.popitem(last=False)
        waiting = line.popleft()
        if line:
            self._turns[device_id] = line  # to the end: the others come first
        return device_id, waiting
