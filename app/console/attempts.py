"""Slows down whoever guesses passwords, without letting a stranger lock an operator out.

Failures are counted per address and user, and per address; never per user alone, or anybody could
keep an operator from the board by typing nonsense under their name.
"""

from __future__ import annotations

import threading
from collections import deque

from core.clock import Clock

WINDOW_S = 600.0
PER_PAIR = 5
PER_ADDRESS = 30
_MAX_KEYS = 10_000


class Attempts:
    """Failed sign-ins of the last ten minutes, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, ...], deque[float]] = {}

    def wait_s(self, address: str, user: str) -> float:
        """Return how long this caller must wait before the next attempt; 0 when it may go on."""
        now = self._clock.monotonic_s()
        with self._lock:
            return max(
                self._left((address, user), PER_PAIR, now), self._left((address,), PER_ADDRESS, now)
            )

    def failed(self, address: str, user: str) -> None:
        """Remember a failure."""
        now = self._clock.monotonic_s()
        with self._lock:
            if len(self._failures) > _MAX_KEYS:
                self._forget_old(now)
            for key in ((address, user), (address,)):
                self._failures.setdefault(key, deque(maxlen=PER_ADDRESS)).append(now)

    def succeeded(self, address: str, user: str) -> None:
        """Forget this user's failures from this address."""
        with self._lock:
            self._failures.pop((address, user), None)

    def _left(self, key: tuple[str, ...], limit: int, now: float) -> float:
        failures = self._failures.get(key, deque())
        recent = [at for at in failures if at > now - WINDOW_S]
        return recent[-limit] + WINDOW_S - now if len(recent) >= limit else 0.0

    def _forget_old(self, now: float) -> None:
        self._failures = {
            key: times for key, times in self._failures.items() if times[-1] > now - WINDOW_S
        }
