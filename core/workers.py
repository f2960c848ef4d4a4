"""What detect workers tell each other: who lives, and whose partitions are whose.

Each says so every second on `dg/svc/detect/worker/{id}`, never retained; no device and no other
service may publish there.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from core.errors import DecodeError
from core.topics import PARTITIONS

_ROOT = "dg/svc/detect/worker/"
WORKERS_FILTER = f"{_ROOT}+"
_MAX_BYTES = 4096

_Part = Annotated[int, msgspec.Meta(ge=0, lt=PARTITIONS)]


class WorkerBeat(msgspec.Struct, frozen=True):
    """A sign of life. `holds` are the partitions whose cameras it looks after; one that says
    `leaves` is not to be waited for.
    """

    worker: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    holds: Annotated[list[_Part], msgspec.Meta(max_length=PARTITIONS)]
    leaves: bool = False


_DECODER = msgspec.json.Decoder(WorkerBeat)


def worker_topic(worker: str) -> str:
    return f"{_ROOT}{worker}"


def is_worker_topic(topic: str) -> bool:
    return topic.startswith(_ROOT)


def decode_beat(payload: bytes) -> WorkerBeat:
    """Return the beat; raise `DecodeError` (`size`, `schema`)."""
    if len(payload) > _MAX_BYTES:
        raise DecodeError("size", f"{len(payload)} bytes")
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("schema", str(error)[:300]) from None
