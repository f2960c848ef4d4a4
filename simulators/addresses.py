"""Which of the broker's addresses a device tries next, and when; pure.

The addresses are the nodes of one broker and any will do. A device starts at one of its own, so
that a fleet spreads over the nodes; when that one is lost the others are tried at once, and only
when all have failed does it wait, longer each time.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from typing import NamedTuple

RETRY_FIRST_S = 0.5
RETRY_CAP_S = 10.0  # a button may not stay dark longer than this after the broker is back


class Address(NamedTuple):
    """Where a node of the broker listens."""

    host: str
    port: int


class Rota:
    """The turns of one device. `retry_at_s` (monotonic) is when it may try again."""

    def __init__(self, addresses: Sequence[Address], device: str) -> None:
        self._addresses = list(addresses)
        self._next = zlib.crc32(device.encode()) % len(addresses)
        self._jitter = random.Random(device)
        self._failures = 0
        self.retry_at_s = float("-inf")

    def take(self, now_s: float) -> Address:
        """Return the address to try now. Until `arrived`, each is taken for a failure."""
        chosen = self._addresses[self._next]
        self._next = (self._next + 1) % len(self._addresses)
        self._failures += 1
        rounds = self._failures - len(self._addresses)
        wait_s = 0.0 if rounds < 0 else min(RETRY_CAP_S, RETRY_FIRST_S * 2 ** min(rounds, 10))
        self.retry_at_s = now_s + wait_s * self._jitter.uniform(0.5, 1.0)
        return chosen

    def arrived(self) -> None:
        """The session stands: a later loss begins a new first round, at the next address."""
        self._failures = 0

    def hurry(self) -> None:
        """Allow the next attempt at once."""
        self.retry_at_s = float("-inf")
