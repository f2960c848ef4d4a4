"""One writer of a lane: batches in, one transaction each, acknowledged after commit.

With the database away it stops acknowledging and holds what it has; nothing is lost, and it goes
on without a restart.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
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
from core.telemetry import COMMIT_S, DUPLICATES, MESSAGES, STORED, UNKNOWN_FIELDS, logger
from core.topics import Kind, Topic
from core.wire import encode
from ingest import device_state, rejects, store
from ingest.attribution import Row, attribute
from ingest.homes import Homes
from ingest.intake import Intake, Reported, acks, reject, take_in
from ingest.recent import Recent

_POLL_S = 0.2
_log = logger(__name__)

OnStored = Callable[[Connection, Sequence[Event], datetime], None]


@dataclass(frozen=True, slots=True)
class Batching:
    """A batch closes at `size` messages, or `age_s` after its first."""

    size: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read of the network brought; `offered_s` is the monotonic second of its receipt."""

    messages: Sequence[Message]
    offered_s: float


class Writer:
    """Takes chunks in order, each message settled once: committed, or refused and recorded.

    `on_stored` runs inside the transaction for events that are new; `on_settled` is told what the
    broker may forget. `telemetry` says whether it notes what is heard of devices.
    """

    def __init__(
        self,
        lane: str,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        batching: Batching,
        telemetry: bool,
        on_stored: OnStored,
        on_settled: Callable[[Sequence[Message]], None],
    ) -> None:
        self._lane = lane
        self._database = database
        self._bus = bus
        self._clock = clock
        self._batching = batching
        self._on_stored = on_stored
        self._on_settled = on_settled
        self._limiter = rejects.RejectLimiter()
        self._recent = Recent()
        self._homes = Homes(clock)
        self._state = device_state.DeviceState() if telemetry else None
        self._queue: queue.SimpleQueue[Chunk | threading.Event] = queue.SimpleQueue()
        self._pending: deque[Message | threading.Event] = deque()
        self._postponed: set[int] = set()  # ids of contended messages, at the end of `_pending`
        self._offered_s = 0.0  # of the oldest that is pending
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"writer-{lane}")
        self.stored = self.duplicates = self.rejected = 0

    def put(self, chunk: Chunk) -> None:
        """Take a chunk; whoever calls has made sure there is room."""
        self._queue.put(chunk)

    def mark(self) -> threading.Event:
        """Return an event that is set once everything put before is settled."""
        reached = threading.Event()
        self._queue.put(reached)
        return reached

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and end; what waits stays with the broker."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if batch := self._next_batch():
                self._settle(batch)
                COMMIT_S.labels(self._lane).observe(self._clock.monotonic_s() - self._offered_s)

    def _next_batch(self) -> list[Message]:
        """Collect messages until the batch closes; it ends before a mark."""
        pending, size = self._pending, self._batching.size
        if not pending:
            self._take(_POLL_S)
        closes_s = self._offered_s + self._batching.age_s
        while pending and len(pending) < size:
            if not self._take(closes_s - self._clock.monotonic_s()):
                break
        batch: list[Message] = []
        while pending and len(batch) < size:
            first = pending[0]
            if isinstance(first, threading.Event):
                if batch:
                    break
                pending.popleft()
                self._pass(first)
            else:
                batch.append(first)
                pending.popleft()
        return batch

    def _take(self, wait_s: float) -> bool:
        """Move one chunk or mark from the queue; False when none came in time."""
        try:
            got = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return False
        if isinstance(got, Chunk):
            if not self._pending:
                self._offered_s = got.offered_s
            self._pending.extend(got.messages)
        else:
            self._pending.append(got)
        return True

    def _pass(self, mark: threading.Event) -> None:
        if self._postponed:  # what stands behind the mark now belongs before it
            self._pending.append(mark)
        else:
            mark.set()

    def _settle(self, batch: list[Message]) -> None:
        """Commit a batch, however long the database is away.

        Where a row is held by somebody, the batch is taken apart, and only the message that
        needs the row goes to the end of the queue: one home's lock never delays another's SOS.
        """
        while not self._stop.is_set():
            try:
                self._commit(batch)
            except Contended as error:
                _log.warning("contended", lane=self._lane, error=str(error), held=len(batch))
                if len(batch) > 1:
                    for one in batch:
                        self._settle([one])
                else:
                    self._stop.wait(error.delay_s)
                    self._postponed.add(id(batch[0]))
                    self._pending.extend(batch)
                return
            except TemporaryError as error:
                _log.warning("waiting", lane=self._lane, error=str(error), held=len(batch))
                # another server may answer next, and know less: trust no memory of this one
                self._recent, self._homes = Recent(), Homes(self._clock)
                self._stop.wait(error.delay_s)
            else:
                if self._postponed:
                    self._postponed.difference_update(map(id, batch))
                return

    def _commit(self, messages: list[Message]) -> None:
        now = self._clock.now()
        intake = take_in(messages, lane=self._lane, now=now)
        unknown, hopes = self._recent.look(intake.reported)
        with self._database.transaction() as conn:
            rows, refused = attribute(conn, self._homes, unknown, now)
            if refused:
                hope = dict(zip(map(id, unknown), hopes, strict=True))
                hopes = [hope[id(one)] for one, _ in rows]
            new, refused_by_database = store.store_separating(conn, rows, hopes)
            refused += refused_by_database
            for one, error in refused:
                body = bytes(one.message.data)
                intake.rejects.append(reject(self._lane, one.topic, error, body, now, one.device))
                intake.refuse(one.device, one.message.seq, error.reason)
            if new:
                self._on_stored(conn, new, now)
            self._write_the_rest(conn, intake, now)
        kept = self._kept(rows, refused_by_database)
        self._recent.note(kept)
        if refused:
            gone = {id(one) for one, _ in refused}
            stored = [one for one in intake.reported if id(one) not in gone]
        else:
            stored = intake.reported
        self._count(messages, intake, new=len(new), kept=len(stored))
        self._answer(intake, stored)
        self._bus.acknowledge(messages)
        self._on_settled(messages)

    @staticmethod
    def _kept(rows: list[Row], refused: Sequence[tuple[Reported, object]]) -> list[Reported]:
        gone = {id(one) for one, _ in refused}
        return [one for one, _ in rows if id(one) not in gone]

    def _write_the_rest(self, conn: Connection, intake: Intake, now: datetime) -> None:
        if self._state:
            self._state.heard(conn, intake.heard, {one.device for one in intake.heartbeats}, now)
            device_state.note_statuses(conn, intake.statuses, now)
            device_state.note_positions(conn, intake.positions, now)
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
        MESSAGES.labels(self._lane, "all").inc(len(messages))
        STORED.labels(self._lane).inc(new)
        DUPLICATES.labels(self._lane).inc(kept - new)
        UNKNOWN_FIELDS.labels(self._lane).inc(intake.unknown_fields)
        self.stored += new
        self.duplicates += kept - new
        self.rejected += len(intake.rejects)

    def _answer(self, intake: Intake, stored: list[Reported]) -> None:
        heard = [*intake.heartbeats, *(one for one, _ in intake.positions)]
        answers = acks(intake, [*stored, *heard])
        if not answers:
            return
        try:
            self._bus.publish_all(
                [(str(Topic(device, Kind.ACK)), encode(ack)) for device, ack in answers.items()]
            )
        except BrokerAway as error:  # the devices ask again; the rows are safe
            _log.warning("acks were not sent", devices=len(answers), error=str(error))
