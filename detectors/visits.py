"""Repeated visits: the same door, several times within a quarter of an hour, say.

A visit is a time in which somebody was at the door without a break, however many tracks it took.
Nobody is recognised: three people who come one after another count as three visits too.
"""

from __future__ import annotations

from collections import deque

from detectors.config import VisitsRule


class Visits:
    """The latest visits of one camera, in µs of capture time."""

    def __init__(self) -> None:
        self.began_us: int | None = None
        self.ended_us: deque[int] = deque()

    def begin(self, at_us: int) -> None:
        """Somebody came to an empty door."""
        self.began_us = at_us

    def end(self, at_us: int, rule: VisitsRule) -> int:
        """Nobody is there any more; return how many visits there were, this one included, 0 when
        this was none.
        """
        began_us, self.began_us = self.began_us, None
        if began_us is None or at_us - began_us < rule.least_s * 1e6:
            return 0
        while self.ended_us and at_us - self.ended_us[0] > rule.within_s * 1e6:
            self.ended_us.popleft()
        self.ended_us.append(at_us)
        return len(self.ended_us)

    def clear(self) -> None:
        """The clock was set: times before and after it cannot be compared."""
        self.began_us = None
        self.ended_us.clear()
