"""Markers: messages of our own by which a worker knows how far it has read; pure.

A marker is published behind everything that came before on its partition, in the name of a device
that no home has. Where it is read, everything before it has been read. A topic's partition is its
device's, hence a device for each partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from core.topics import PARTITIONS, Kind, Topic

KINDS = (Kind.EVENT, Kind.FINDING)  # what the sessions of the event lane keep


def _devices() -> list[str]:
    found: dict[int, str] = {}
    number = 0
    while len(found) < PARTITIONS:
        name = f"marker-{number:03d}"
        found.setdefault(crc32(name.encode()) % PARTITIONS, name)
        number += 1
    return [found[part] for part in range(PARTITIONS)]


DEVICES = _devices()  # by partition


def topics_of(partitions: Iterable[int], kind: Kind) -> list[str]:
    """Return the topics of these partitions' markers of one kind."""
    return [str(Topic(DEVICES[part], kind)) for part in partitions]


MARKED = frozenset(topic for kind in KINDS for topic in topics_of(range(PARTITIONS), kind))
