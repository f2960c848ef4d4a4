"""Which frames are news: late, doubled and reordered ones are ordinary, and clocks jump.

Only capture times decide; the frame number tells a clock that was set back from a late frame.
"""

from __future__ import annotations

from enum import Enum, auto

from core.frames import Frame
from detectors.dwell import GRACE_S

JUMP_US = int(GRACE_S * 1e6)  # a longer gap is a jump or an outage: nobody was seen meanwhile
_RUN = 5  # so many frames in a row, in order among themselves, behind the newest: a new clock
_NUMBERS = 1 << 32


class Verdict(Enum):
    """What to do with a frame."""

    FIRST = auto()
    NEXT = auto()
    LATE = auto()
    JUMP = auto()


class Sequence:
    """Order of one camera's frames."""

    def __init__(self) -> None:
        self.newest_us: int | None = None
        self._number = 0
        self._late_us = 0
        self._late_run = 0

    def judge(self, frame: Frame) -> Verdict:
        """Judge a frame that was readable, and remember it."""
        verdict = self._verdict(frame)
        if verdict is not Verdict.LATE:
            self.newest_us, self._number, self._late_run = frame.captured_at_us, frame.number, 0
        return verdict

    def _verdict(self, frame: Frame) -> Verdict:
        if self.newest_us is None:
            return Verdict.FIRST
        ahead_us = frame.captured_at_us - self.newest_us
        if ahead_us > 0:
            return Verdict.NEXT if ahead_us <= JUMP_US else Verdict.JUMP
        newer = 0 < (frame.number - self._number) % _NUMBERS < _NUMBERS // 2
        if newer and ahead_us < -JUMP_US:
            return Verdict.JUMP
        in_order = frame.captured_at_us > self._late_us
        self._late_run = self._late_run + 1 if self._late_run and in_order else 1
        self._late_us = frame.captured_at_us
        return Verdict.JUMP if self._late_run >= _RUN else Verdict.LATE
