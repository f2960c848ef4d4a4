"""When the person check is asked, and what its answer means: it delays an alarm, never takes it.

Asked once when somebody has settled, at the moment of the alarm, and then every 5 s. An alarm
goes out at once where a person has been seen; else it is held for 10 s at most, and then goes out
with `person: unconfirmed`, or as soon as they leave. A model that fails has no opinion. What the
life test takes for a thing while its alarm is held is not reported: two judges agree then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from core.errors import ConfigurationError
from core.frames import Frame
from core.telemetry import logger
from detectors.blobs import Box
from detectors.dwell import State, Visit
from detectors.findings import Scale
from detectors.person_model import Image, Seen
from detectors.tracks import Track
from detectors.zone import Polygon, fill

EVERY_US = 5_000_000
HOLD_US = 10_000_000
_MARGIN = 0.5  # of the box's height around it: models want to see what is beside somebody
_OVERLAP = 0.3  # of the smaller of the two boxes
_log = logger(__name__)


class Finder(Protocol):
    """Finds people in a picture, (h, w, 3) uint8 BGR."""

    def find(self, image: Image) -> list[Seen]: ...


class PersonCheck:
    """One camera's check; `asked` and `failed` count. What is known of a stay is in its `Visit`."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self.asked = 0
        self.failed = 0

    def judge(
        self, event: str | None, track: Track, frame: Frame, scale: Scale, masks: Sequence[Polygon]
    ) -> list[str]:
        """Return the events to report now instead of `event`, the dwell table's."""
        visit, at_us = track.visit, frame.captured_at_us
        if track.seen_us == at_us and _is_due(visit, event, at_us):
            self._ask(track, frame, scale, masks)
        if event == "loiter.started" and visit.doubted:
            visit.held_us = at_us
            return []
        if visit.held_us is None:
            return [event] if event else []
        if visit.doubted and event is None and at_us - visit.held_us < HOLD_US:
            return []
        return [*released(visit), *([event] if event else [])]

    def _ask(self, track: Track, frame: Frame, scale: Scale, masks: Sequence[Polygon]) -> None:
        visit = track.visit
        visit.checked_us = frame.captured_at_us
        self.asked += 1
        try:
            found = self._look(track.box, frame, scale, masks)
        except (cv2.error, ConfigurationError, RuntimeError, ValueError) as error:
            self.failed += 1
            visit.doubted = False
            _log.warning("the person check failed", error=str(error)[:200])
            return
        if found:
            visit.person_us = frame.captured_at_us
        visit.doubted = visit.person_us is None

    def _look(self, box: Box, frame: Frame, scale: Scale, masks: Sequence[Polygon]) -> bool:
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError("the picture cannot be read in colour")
        rows, columns = image.shape[:2]
        if masks:
            image[fill(masks, rows, columns) > 0] = 0
        larger = rows / scale.rows, columns / scale.columns
        body = Box(box.x * larger[1], box.y * larger[0], box.w * larger[1], box.h * larger[0])
        window = body.grown(_MARGIN * body.h).window
        part = np.asarray(image[window], np.uint8)
        top, left = window[0].start, window[1].start
        for one in self._finder.find(part):
            there = Box(one.x + left, one.y + top, one.w, one.h)
            if there.overlap(body) >= _OVERLAP * min(there.area, body.area):
                return True
        return False


def released(visit: Visit) -> list[str]:
    """Return the event of an alarm that is held, and hold it no longer."""
    held, visit.held_us = visit.held_us is not None, None
    return ["loiter.started"] if held else []


def _is_due(visit: Visit, event: str | None, at_us: int) -> bool:
    if event == "loiter.started" or visit.checked_us is None:
        return visit.state in (State.PRESENT, State.LOITERING)
    return visit.state is State.LOITERING and at_us - visit.checked_us >= EVERY_US
