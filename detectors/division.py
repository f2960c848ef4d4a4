"""Which partitions fall to which detect worker: a decision of times and beats, no I/O.

Every worker computes the same owner of each partition from those it hears (rendezvous hashing, so
that little moves when one comes or goes). A partition is taken only when nobody alive says to hold
it, and is given up before another takes it, so two never look after the same camera while they
hear each other. Who is silent is taken to be dead. Each hears its own beats as well: who does not
hear itself is not heard by others, and gives everything up before they take over, as does who was
frozen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from core.topics import PARTITIONS
from core.workers import WorkerBeat

BEAT_EVERY_S = 1.0
DEAD_AFTER_S = 5.0  # a killed worker's cameras are another's after this
SETTLE_S = 2.5  # who is new hears everybody first
FROZEN_AFTER_S = 2.0
CUT_OFF_AFTER_S = 3.0  # below the others' `DEAD_AFTER_S`: we are gone before they take over


@dataclass(frozen=True, slots=True)
class Change:
    """What to do now: look after `take`, and end looking after `leave`, then call `left`."""

    take: frozenset[int] = frozenset()
    leave: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Member:
    holds: frozenset[int]
    heard_s: float


class Division:
    """One worker's view. All times are this process's monotonic seconds. Not locked."""

    def __init__(self, me: str, now_s: float) -> None:
        self.me = me
        self.holds: frozenset[int] = frozenset()
        self._leaving: frozenset[int] = frozenset()
        self._others: dict[str, _Member] = {}
        self._looked_s = now_s
        self._echo_s = now_s
        self._alone_until_s = now_s + SETTLE_S

    @property
    def workers(self) -> int:
        """How many live, this one included."""
        return len(self._others) + 1

    def settled(self, now_s: float) -> bool:
        """Whether this one has heard the others and has what falls to it."""
        return now_s >= self._alone_until_s and self._wanted() == self.holds

    def beat(self, *, leaves: bool = False) -> WorkerBeat:
        return WorkerBeat(self.me, sorted(self.holds | self._leaving), leaves)

    def heard(self, beat: WorkerBeat, now_s: float) -> None:
        """Take another's sign of life."""
        if beat.worker == self.me:
            self._echo_s = now_s
            return
        if beat.leaves:
            self._others.pop(beat.worker, None)
        else:
            self._others[beat.worker] = _Member(frozenset(beat.holds), now_s)

    def left(self, parts: Iterable[int]) -> None:
        """These are given up: nothing of them is in hand here any more."""
        self._leaving -= frozenset(parts)

    def look(self, now_s: float) -> Change:
        """Return what changes now; call at least every `BEAT_EVERY_S`."""
        frozen = now_s - self._looked_s > FROZEN_AFTER_S
        self._looked_s = now_s
        if frozen or now_s - self._echo_s > CUT_OFF_AFTER_S:
            self._alone_until_s = now_s + SETTLE_S
            return self._give_up(self.holds)
        for name, member in list(self._others.items()):
            if now_s - member.heard_s > DEAD_AFTER_S:
                del self._others[name]
        if now_s < self._alone_until_s:
            return Change()
        wanted = self._wanted()
        given_up = self._give_up(self.holds - wanted)
        elsewhere = frozenset().union(*(member.holds for member in self._others.values()))
        take = wanted - self.holds - self._leaving - elsewhere
        self.holds |= take
        return Change(take, given_up.leave)

    def _give_up(self, parts: frozenset[int]) -> Change:
        self.holds -= parts
        self._leaving |= parts
        return Change(leave=parts)

    def _wanted(self) -> frozenset[int]:
        members = [self.me, *self._others]
        return frozenset(part for part in range(PARTITIONS) if owner(part, members) == self.me)


def owner(part: int, workers: Iterable[str]) -> str:
    """Return to whom a partition falls: the highest score, whatever the order of the names."""
    return max(workers, key=lambda worker: (_score(part, worker), worker))


def _score(part: int, worker: str) -> bytes:
    return blake2b(f"{part}/{worker}".encode(), digest_size=8).digest()
