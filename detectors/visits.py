"""Repeated visits: the same door, several times within a quarter of an hour.

A visit is a time in which somebody was at the door without a break, however many tracks it took.
Nobody is recognised: three people who come one after another count as three visits too.
"""

from __future__ import annotations

from collections import deque

LEAST_S = 8.0  # shorter is passing by
WITHIN_S = 900.0
REPEATED = 3


class Visits:
    """The visits of one camera of the last quarter of an hour, in µs of capture time."""

    def __init__(self) -> None:
        self.began_us: int | None = None
        self.ended_us: deque[int] = deque()

    def begin(self, at_us: int) -> None:
        """Somebody came to an empty door."""
        self.began_us = at_us

    def end(self, at_us: int) -> int:
        """Nobody is there any more; return how many visits there were, this one included, 0 when
        this was none.
        """
        began_us, self.began_us = self.began_us, None
        if began_us is None or at_us - began_us < LEAST_S * 1e6:
            return 0
        while self.ended_us and at_us - self.ended_us[0] > WITHIN_S * 1e6:
            self.ended_us.popleft()
        self.ended_us.append(at_us)
        return len(self.ended_us)

    def clear(self) -> None:
        """The clock was set: times before and after it cannot be compared."""
        self.began_us = None
        self.ended_us.clear()
