"""How frames reach the other side: not evenly taken, some lost, late, doubled, out of order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from core.errors import ConfigurationError
from core.frames import Frame

_BEHIND = 3.0  # frames, at most, that one is overtaken by


@dataclass(frozen=True, slots=True)
class Delivery:
    """A camera's and a network's habits, seeded. `loss`, `doubled` and `reordered` are shares of
    the frames (0 to 1); `jitter` is how far from its even moment a picture is taken, as a share
    of the interval (0 to 1).
    """

    seed: int = 1
    jitter: float = 0.0
    loss: float = 0.0
    doubled: float = 0.0
    reordered: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.jitter, self.loss, self.doubled, self.reordered)
        if not all(0.0 <= share <= 1.0 for share in shares):
            raise ConfigurationError("jitter, loss, doubled and reordered are shares of 0 to 1")

    def moments(self, fps: float, duration_s: float) -> Iterator[float]:
        """Yield when pictures are taken, in seconds, rising."""
        rng = np.random.default_rng((self.seed, 1))
        for number in range(int(duration_s * fps)):
            yield (number + self.jitter * float(rng.uniform(0.0, 0.95))) / fps

    def deliver(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames as they arrive."""
        rng = np.random.default_rng((self.seed, 2))
        waiting: list[tuple[float, int, Frame]] = []
        sent = 0
        for number, frame in enumerate(frames):
            lost, twice, late = rng.random(3)
            copies = 0 if lost < self.loss else 2 if twice < self.doubled else 1
            for copy in range(copies):
                behind = float(rng.uniform(1.0, _BEHIND)) if late < self.reordered or copy else 0.0
                heappush(waiting, (number + behind, sent, frame))
                sent += 1
            while waiting and waiting[0][0] <= number:
                yield heappop(waiting)[2]
        while waiting:
            yield heappop(waiting)[2]
