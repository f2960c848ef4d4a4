"""What a writer stored a moment ago: saves a redelivery its trip to the database.

The unique index is the truth; this is only memory, and forgetting costs a trip, never a row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from core.catalogue import Source
from ingest.intake import Key, Reported

# A device repeats within seconds; at 25,000 events/s this spans two. About 20 MB.
REMEMBERED = 50_000


class Recent:
    """Remembers the last 50,000 stored events, and the highest `seq` of each device.

    In the common case nothing is repeated: the keys of a batch are put aside as they are, and
    indexed only when an event comes whose `seq` is not higher than its device ever had here.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._batches: deque[list[Key]] = deque()
        self._unindexed = 0  # so many of the youngest batches are not in `_index` yet
        self._index: dict[tuple[str, Source, int], datetime] = {}
        self._size = 0
        self._highest: dict[tuple[str, Source], int] = {}

    def __len__(self) -> int:
        return self._size

    def look(self, events: Sequence[Reported]) -> tuple[Sequence[Reported], list[bool]]:
        """Return those that are not known to be stored, and of each whether it is surely new.

        A device not yet heard of counts as new, too: a batch that meets a duplicate then is
        stored the slower way.
        """
        highest = self._highest
        seen: dict[tuple[str, Source], int] = {}
        hopes: list[bool] = []
        for one in events:
            who, seq = (one.device, one.source), one.message.seq
            last = seen.get(who)
            if last is None:
                last = highest.get(who, -1)
            new = seq > last
            if new:
                seen[who] = seq
            hopes.append(new)
        if all(hopes):
            return events, hopes
        rest = [
            (one, new) for one, new in zip(events, hopes, strict=True) if new or not self.holds(one)
        ]
        return [one for one, _ in rest], [new for _, new in rest]

    def holds(self, one: Reported) -> bool:
        """Say whether exactly this event was stored by us."""
        if self._unindexed:
            young = list(islice(reversed(self._batches), self._unindexed))
            for batch in reversed(young):
                self._index.update(((device, source, seq), at) for device, source, seq, at in batch)
            self._unindexed = 0
        device, source, seq, at = one.key
        return self._index.get((device, source, seq)) == at

    def note(self, events: Sequence[Reported]) -> None:
        """Remember what was committed."""
        if not events:
            return
        if len(self._highest) > self._remembered:
            self._highest.clear()  # devices that left; the others are learnt again
        highest = self._highest
        keys: list[Key] = []  # not the events: their payloads would be kept with them
        for one in events:
            message = one.message
            who, seq = (one.device, one.source), message.seq
            keys.append((one.device, one.source, seq, message.at))
            if seq > highest.get(who, -1):
                highest[who] = seq
        self._batches.append(keys)
        self._unindexed += 1
        self._size += len(events)
        while self._size > self._remembered and len(self._batches) > 1:
            self._forget()

    def _forget(self) -> None:
        batch = self._batches.popleft()
        self._size -= len(batch)
        if self._unindexed > len(self._batches):  # it never was in the index
            self._unindexed -= 1
            return
        for device, source, seq, at in batch:
            if self._index.get((device, source, seq)) == at:
                del self._index[device, source, seq]
