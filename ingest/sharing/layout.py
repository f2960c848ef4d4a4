"""Layouts: how the 64 partitions are cut into shares, and who should hold which; pure.

A share is a durable session at the broker. Layout S has S shares of the devices' events, each of
which passes on the partitions that are its own, and one more for everything beside events:
findings, states, replies and reports.

Every share hears the events of all partitions behind one wildcard, and forgets what is another's:
for NATS one more copy of a message is far cheaper than a stored cursor for every partition. And no
session has two busy filters at QoS 1: NATS bounds what is unacknowledged by filter and by session
with the same number, and a message past the session's bound is put off for the acknowledgement
time, while later ones go ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.markers import topics_of
from core.reports import REPORT_FILTER
from core.topics import PARTITIONS, Kind, wildcard

WHOLE = 1
_PART = slice(6, 8)  # of `dg/v1/{part}/…`
# One worker stores 40,000 events/s and one database five times that (docs/performance.md).
DIVIDED = 2
MERGE_AFTER_S = 600.0  # alone for so long; a worker that is restarted must not cost two switches


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """Share `index` of the layout that has `layout` shares of the events; the last is the rest."""

    layout: int
    index: int

    @property
    def aside(self) -> bool:
        """Whether it is the one for everything but the devices' events."""
        return self.index == self.layout

    @property
    def partitions(self) -> list[int]:
        """Those whose events it passes on, ascending."""
        return [] if self.aside else list(range(self.index, PARTITIONS, self.layout))

    @property
    def kind(self) -> Kind:
        """What its markers are published as."""
        return Kind.FINDING if self.aside else Kind.EVENT

    @property
    def markers(self) -> list[str]:
        """The topics of the markers that show how far its session was read.

        One is enough: a session has one filter of its kind, which brings messages in their order.
        """
        return topics_of((self.partitions or [0])[:1], self.kind)

    def passes(self) -> Callable[[str], bool] | None:
        """Return what says whether a topic's message is this share's; None when every one is."""
        if self.aside or self.layout == WHOLE:
            return None
        own = {f"{part:02x}" for part in self.partitions}
        if self.index:
            return lambda topic: topic[_PART] in own
        others = {f"{part:02x}" for part in range(PARTITIONS)} - own
        return lambda topic: topic[_PART] not in others  # what is no partition's is refused by us

    @property
    def session(self) -> str:
        """What the client id of its session is derived from."""
        return f"svc-ingest-{self.layout}-{self.index}"

    @property
    def key(self) -> int:
        """The second half of its advisory lock's key."""
        return self.layout * PARTITIONS + self.index

    @staticmethod
    def of_key(key: int) -> Share:
        """Return the share that `key` belongs to."""
        return Share(*divmod(key, PARTITIONS))

    def kept(self) -> list[tuple[str, int]]:
        """Return the (filter, QoS) that make its session keep what comes while nobody reads."""
        if self.aside:
            return [(wildcard(Kind.FINDING), 1), (REPORT_FILTER, 1)]
        return [(wildcard(Kind.EVENT), 1)]

    def heard(self) -> list[tuple[str, int]]:
        """Return the (filter, QoS) of its reader. States are retained and replies ephemeral."""
        if self.aside:
            return [*self.kept(), (wildcard(Kind.STATUS), 0), (wildcard(Kind.REPLY), 0)]
        return self.kept()


def shares_of(layout: int) -> list[Share]:
    """Return every share of a layout."""
    return [Share(layout, index) for index in range(layout + 1)]


def fitting(layout: int, *, workers: int, alone_for_s: float) -> int:
    """Return the layout for so many live workers: divided for two, whole after a time alone."""
    if workers > 1:
        return DIVIDED
    return WHOLE if alone_for_s >= MERGE_AFTER_S else layout


def fair(layout: int, workers: Iterable[int], held: Mapping[Share, int]) -> dict[Share, int]:
    """Return who should hold each share: floor or ceil of the fair number, moving the least.

    `held` says who holds what now, of this layout; holders not among `workers` are on their way
    out and count as nobody. Whoever sees the same comes to the same answer. Empty without workers.
    """
    alive = sorted(set(workers))
    if not alive:
        return {}
    held = {share: worker for share, worker in held.items() if not share.aside}
    mine: dict[int, list[Share]] = {worker: [] for worker in alive}
    homeless: list[Share] = []
    for share in shares_of(layout)[:-1]:
        mine.get(held.get(share, -1), homeless).append(share)
    floor, more = divmod(layout, len(alive))
    # the larger numbers go to those who hold most already, so that nothing moves for tidiness
    by_holding = sorted(alive, key=lambda worker: (-len(mine[worker]), worker))
    quota = {worker: floor + (rank < more) for rank, worker in enumerate(by_holding)}
    for worker in alive:
        homeless += mine[worker][quota[worker] :]
        del mine[worker][quota[worker] :]
    homeless.sort()
    for worker in alive:
        while len(mine[worker]) < quota[worker]:
            mine[worker].append(homeless.pop(0))
    target = {share: worker for worker, shares in mine.items() for share in shares}
    target[Share(layout, layout)] = target[Share(layout, 0)]  # little work, and no claim of its own
    return target
