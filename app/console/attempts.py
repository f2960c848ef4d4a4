"""Slows down whoever guesses passwords, and never keeps out for long whoever knows theirs.

Behind a proxy everybody may have one address, so nothing here locks: after its free attempts a
name or an address goes on with a pause between attempts, 30 s at the longest. That is enough
against guessing, as passwords are ours and of 99 bits; it also bounds the work of Argon2.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from core.clock import Clock

WINDOW_S = 600.0
_MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` attempts in `WINDOW_S`, then one every `pause_s`."""

    free: int
    pause_s: float


PAIR = Limit(free=5, pause_s=30.0)  # one name from one address
USER = Limit(free=20, pause_s=5.0)  # one name from anywhere
ADDRESS = Limit(free=300, pause_s=2.0)  # any names from one address


class Attempts:
    """Attempts to sign in of the last ten minutes that were not right, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[tuple[str, ...], deque[float]] = {}

    def enter(self, address: str, user: str) -> float:
        """Count an attempt before its password is looked at; return 0 when it may go on.

        Otherwise return the seconds to wait; such an attempt is not counted.
        """
        now = self._clock.monotonic_s()
        with self._lock:
            if len(self._made) > _MAX_KEYS:
                self._forget_old(now)
            keys = _keys(address, user)
            wait_s = max(self._left(key, limit, now) for key, limit in keys)
            if wait_s <= 0:
                for key, limit in keys:
                    self._made.setdefault(key, deque(maxlen=limit.free)).append(now)
            return max(0.0, wait_s)

    def withdraw(self, address: str, user: str) -> None:
        """Take back an attempt whose password was never looked at."""
        with self._lock:
            for key, _limit in _keys(address, user):
                self._take_back(key)

    def succeeded(self, address: str, user: str) -> None:
        """Forget what went wrong under this name."""
        pair, by_user, by_address = (key for key, _limit in _keys(address, user))
        with self._lock:
            self._made.pop(pair, None)
            self._made.pop(by_user, None)
            self._take_back(by_address)

    def _take_back(self, key: tuple[str, ...]) -> None:
        made = self._made.get(key)
        if made:
            made.pop()
            if not made:
                del self._made[key]

    def _left(self, key: tuple[str, ...], limit: Limit, now: float) -> float:
        made = self._made.get(key, ())
        recent = [at for at in made if at > now - WINDOW_S]
        return recent[-1] + limit.pause_s - now if len(recent) >= limit.free else 0.0

    def _forget_old(self, now: float) -> None:
        self._made = {key: times for key, times in self._made.items() if times[-1] > now - WINDOW_S}


def _keys(address: str, user: str) -> tuple[tuple[tuple[str, ...], Limit], ...]:
    return (
        (("pair", address, user), PAIR),
        (("user", user), USER),
        (("address", address), ADDRESS),
    )
