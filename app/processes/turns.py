"""Which of several alarms processes holds the stored session; pure.

The broker gives a client id to whoever presented it last, and nothing else is asked: so it works
while the database is away, too, and when a holder stands still without being dead. A holder says
so twice a second; who has heard none for a while takes the session, and who loses it waits like
everybody else.
"""

from __future__ import annotations

import random

SAY_EVERY_S = 0.5
# Three signs missed; with what the broker needs for a session, taken over well within 5 s.
SILENT_AFTER_S = 1.6
_JITTER_S = 0.6  # so that of two who wait only one takes it
# Who has just started asks, and a holder answers at once; one that answers later loses the session
# for a moment, and takes it again.
_ANSWERED_WITHIN_S = 0.25
_FIRST_JITTER_S = 0.25


class Turns:
    """One process' view. Times are monotonic seconds. Who can ask nobody takes it all the same."""

    def __init__(self, now_s: float, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._heard_s = float("-inf")
        self.waits(now_s)

    def asked(self, now_s: float) -> None:
        """Note that others were asked who holds it: who hears no answer takes it."""
        self._take_at_s = now_s + _ANSWERED_WITHIN_S + self._chance.uniform(0.0, _FIRST_JITTER_S)

    def waits(self, now_s: float) -> None:
        """Hold nothing from now on, and give others time to say that they do."""
        self.holding = False
        self._take_at_s = now_s + SILENT_AFTER_S + self._chance.uniform(0.0, _JITTER_S)

    def heard(self, now_s: float) -> None:
        """Note that another process says it holds the session."""
        self._heard_s = now_s
        if not self.holding:
            self.waits(now_s)

    def due(self, now_s: float) -> bool:
        """Say whether to take the session now."""
        return not self.holding and now_s >= self._take_at_s

    def behind(self, now_s: float) -> bool:
        """Say whether another process holds it, as far as is known, and comes first."""
        return not self.holding and now_s - self._heard_s < SILENT_AFTER_S
