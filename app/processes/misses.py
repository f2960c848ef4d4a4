"""When the watchman calls the duty engineer; pure."""

from __future__ import annotations

from typing import Literal

MISSES = 3  # one may be a restart
AGAIN_AFTER_S = 900.0  # still failing: said again, lest the first word was overlooked


class Misses:
    """Counts checks that failed in a row. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self._called_s: float | None = None

    def note(self, ok: bool, now_s: float) -> Literal["failing", "recovered"] | None:
        """Take a check; return what to tell the engineer now, if anything."""
        if ok:
            self.in_a_row = 0
            called, self._called_s = self._called_s, None
            return "recovered" if called is not None else None
        self.in_a_row += 1
        due = self._called_s is None or now_s - self._called_s >= AGAIN_AFTER_S
        if self.in_a_row < MISSES or not due:
            return None
        self._called_s = now_s
        return "failing"
