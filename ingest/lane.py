"""A lane: messages in, committed rows out, acknowledged to broker and devices after commit.

The alarm lane and the event lane are two of these in two processes, with nothing shared.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.clock import Clock
from core.database import Database
from core.ports import Bus, Message
from core.telemetry import SHED
from ingest.room import Room
from ingest.writer import Batching, Chunk, OnStored, Writer

# Alarms wait for nothing; what already stands behind one another shares a transaction, so that a
# device that floods its alarm topic costs the others little.
AT_ONCE = Batching(size=200, age_s=0.0)
# Measured (docs/performance.md): larger batches cost latency and save next to nothing.
TOGETHER = Batching(size=1000, age_s=0.02)

_PART = slice(6, 8)  # of `dg/v1/{part}/…`


class Lane:
    """Drains sessions at the broker through one or more writers.

    Each writer has its own connection and transaction; a device is always with the same one, so
    that its order holds. `telemetry` says whether what is heard of devices is noted. The alarm
    lane does not: it touches no row that another process may have locked.
    """

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        batching: Batching,
        telemetry: bool,
        on_stored: OnStored,
        writers: int = 1,
        room: Room | None = None,
    ) -> None:
        self._name = name
        self._bus = bus
        self._clock = clock
        self._room = room or Room()
        self._crowded = False
        self._writers = [
            Writer(
                name,
                database=database,
                bus=bus,
                clock=clock,
                batching=batching,
                telemetry=telemetry,
                on_stored=on_stored,
                on_settled=self._settled,
            )
            for _ in range(writers)
        ]

    def offer(self, messages: Sequence[Message]) -> None:
        """Take messages from a session; past the bound they are left to the broker."""
        if not self._room.enter(messages):
            SHED.labels(f"lane-{self._name}").inc(len(messages))
            self._crowded = True
            self._bus.shed(messages)
            return
        now_s = self._clock.monotonic_s()
        if len(self._writers) == 1:
            self._writers[0].put(Chunk(messages, now_s))
            return
        parts: dict[int, list[Message]] = {}
        for message in messages:
            parts.setdefault(_writer_of(message.topic, len(self._writers)), []).append(message)
        for number, part in parts.items():
            self._writers[number].put(Chunk(part, now_s))

    def free(self) -> int:
        """Return how many messages more a reader that can hold some back should offer.

        It fills half of the room: what is held before the lane keeps its order, what the lane
        sheds has to come again.
        """
        return self._room.half_free

    def _settled(self, messages: Sequence[Message]) -> None:
        if self._room.leave(messages) and self._crowded:
            self._crowded = False
            self._bus.ask_again()

    def start(self) -> None:
        for writer in self._writers:
            writer.start()

    def stop(self) -> None:
        """Finish the batches in hand and end; what waits stays with the broker."""
        for writer in self._writers:
            writer.stop()

    def wait_settled(self, timeout_s: float) -> bool:
        """Wait until everything offered before this call is settled; return whether it is so."""
        marks = [writer.mark() for writer in self._writers]
        end_s = self._clock.monotonic_s() + timeout_s
        return all(mark.wait(max(0.0, end_s - self._clock.monotonic_s())) for mark in marks)

    def figures(self) -> dict[str, int]:
        """Return counts since the start, for `doorguard status`."""
        return {
            "stored": sum(writer.stored for writer in self._writers),
            "duplicates": sum(writer.duplicates for writer in self._writers),
            "rejected": sum(writer.rejected for writer in self._writers),
            "waiting": self._room.held,
        }


def _writer_of(topic: str, writers: int) -> int:
    """Return who writes what comes on `topic`; all of a device, and of its partition, is one's.

    By the partition's upper bits: its lower ones say which worker reads it (docs/adr/0010).
    """
    try:
        return (int(topic[_PART], 16) >> 3) % writers
    except ValueError:  # reports of processes, and topics nobody should use
        return 0
