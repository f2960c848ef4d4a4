"""A lane: messages in, one transaction a batch, acknowledged to broker and devices after commit.

The alarm lane and the event lane are two of these in two processes, with nothing shared. With the
database away a lane stops acknowledging and holds what the broker's window allows; nothing is
lost, and it goes on without a restart.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core import liveness
from core.clock import Clock
from core.database import Connection, Database
from core.errors import BrokerAway, Contended, TemporaryError
from core.model import Event
from core.ports import Bus, Message
from core.reports import Reject
from core.telemetry import COMMIT_S, DUPLICATES, MESSAGES, SHED, STORED, UNKNOWN_FIELDS, logger
from core.topics import Kind, Topic
from core.wire import Ack, encode
from ingest import device_state, rejects, store
from ingest.intake import Intake, Reported, acks, reject, take_in

MAX_WAITING = 8192  # of all subscriptions together; past it the broker keeps them
_POLL_S = 0.2
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Batching:
    """A batch closes at `size` messages, or `age_s` after its first."""

    size: int
    age_s: float


# Alarms wait for nothing; what already stands behind one another shares a transaction, so that a
# device that floods its alarm topic costs the others little.
AT_ONCE = Batching(size=200, age_s=0.0)
TOGETHER = Batching(size=500, age_s=0.01)


Waiting = tuple[Message, float]  # with the monotonic seconds of its receipt


class Lane:
    """Drains one subscriber. `on_stored` runs inside the transaction for events that are new.

    `telemetry` says whether it notes what is heard of devices. The alarm lane does not: it
    touches no row that another process may have locked.
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
        on_stored: Callable[[Connection, Sequence[Event], datetime], None],
    ) -> None:
        self._name = name
        self._database = database
        self._bus = bus
        self._clock = clock
        self._batching = batching
        self._telemetry = telemetry
        self._on_stored = on_stored
        self._limiter = rejects.RejectLimiter()
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}")
        self._stored = self._duplicates = self._rejected = 0

    def offer(self, message: Message) -> None:
        """Take a message from the session; past the bound it is left to the broker's redelivery."""
        if self._queue.qsize() >= MAX_WAITING:
            SHED.labels(f"lane-{self._name}").inc()
            return
        self._queue.put((message, self._clock.monotonic_s()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and end; what waits stays with the broker."""
        self._stop.set()
        self._thread.join()

    def figures(self) -> dict[str, int]:
        """Return counts since the start, for `doorguard status`."""
        return {
            "stored": self._stored,
            "duplicates": self._duplicates,
            "rejected": self._rejected,
            "waiting": self._queue.qsize(),
        }

    def _run(self) -> None:
        while not self._stop.is_set():
            if batch := self._next_batch():
                self._settle(batch)

    def _settle(self, batch: list[Waiting]) -> None:
        """Commit a batch, however long the database is away.

        Where a row is held by somebody, the batch is taken apart, and only the message that
        needs the row goes to the end of the queue: one home's lock never delays another's SOS.
        """
        while not self._stop.is_set():
            try:
                self._commit([message for message, _ in batch])
            except Contended as error:
                _log.warning("contended", lane=self._name, error=str(error), held=len(batch))
                if len(batch) > 1:
                    for one in batch:
                        self._settle([one])
                else:
                    self._stop.wait(error.delay_s)
                    self._queue.put(batch[0])
                return
            except TemporaryError as error:
                _log.warning("waiting", lane=self._name, error=str(error), held=len(batch))
                self._stop.wait(error.delay_s)
            else:
                now_s = self._clock.monotonic_s()
                for _, offered_s in batch:
                    COMMIT_S.labels(self._name).observe(now_s - offered_s)
                return

    def _next_batch(self) -> list[Waiting]:
        try:
            batch = [self._queue.get(timeout=_POLL_S)]
        except queue.Empty:
            return []
        closes_s = self._clock.monotonic_s() + self._batching.age_s
        while len(batch) < self._batching.size:
            left_s = closes_s - self._clock.monotonic_s()
            try:
                batch.append(
                    self._queue.get(timeout=left_s) if left_s > 0 else self._queue.get_nowait()
                )
            except queue.Empty:
                break
        return batch

    def _commit(self, messages: list[Message]) -> None:
        now = self._clock.now()
        intake = take_in(messages, lane=self._name, now=now)
        with self._database.transaction() as conn:
            rows, refused = store.attribute(conn, intake.reported, now)
            new, refused_by_database = store.store_separating(conn, rows) if rows else ([], [])
            refused += refused_by_database
            for one, error in refused:
                body = bytes(one.message.data)
                intake.rejects.append(reject(self._name, one.topic, error, body, now, one.device))
                intake.refuse(one.device, one.message.seq, error.reason)
            self._on_stored(conn, new, now)
            self._write_the_rest(conn, intake, now)
        gone = {id(one) for one, _ in refused}
        stored = [one for one, _ in rows if id(one) not in gone]
        self._count(messages, intake, new=len(new), kept=len(stored))
        self._answer(intake, [*stored, *intake.heartbeats])
        self._bus.acknowledge(messages)

    def _write_the_rest(self, conn: Connection, intake: Intake, now: datetime) -> None:
        if self._telemetry:
            device_state.heard(conn, intake.heard, {one.device for one in intake.heartbeats}, now)
            device_state.note_statuses(conn, intake.statuses, now)
        told: list[Reject] = []
        for report in intake.reports:
            liveness.write(conn, report)
            told += report.rejects
        kept, counts = self._limiter.split([*intake.rejects, *told])
        for report in intake.reports:
            for key, n in report.rejects_not_kept.items():
                counts["frame", key] += n
        rejects.record(conn, kept, counts, now)

    def _count(self, messages: list[Message], intake: Intake, *, new: int, kept: int) -> None:
        MESSAGES.labels(self._name, "all").inc(len(messages))
        STORED.labels(self._name).inc(new)
        DUPLICATES.labels(self._name).inc(kept - new)
        UNKNOWN_FIELDS.labels(self._name).inc(intake.unknown_fields)
        self._stored += new
        self._duplicates += kept - new
        self._rejected += len(intake.rejects)

    def _answer(self, intake: Intake, stored: list[Reported]) -> None:
        answers: dict[str, Ack] = acks(intake, stored)
        for device, ack in answers.items():
            try:
                self._bus.publish(str(Topic(device, Kind.ACK)), encode(ack))
            except BrokerAway as error:  # the device asks again; the rows are safe
                _log.warning("an ack was not sent", device=device, error=str(error))
