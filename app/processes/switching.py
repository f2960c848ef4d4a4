"""The switch from one layout of the event lane to another, without a gap (docs/adr/0010).

The new sessions are made first, so that from then on the broker keeps everything for both. Markers
are published behind that moment; when they have come through the old sessions, all that the new
ones lack has been read. It is settled, the new layout is put in force, the old sessions are
deleted. What both received is stored once, by the unique index.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto

from app.processes.share_bus import ShareBus, Slot
from core.errors import BrokerAway
from core.telemetry import logger

_MARKED_WITHIN_S = 60.0
_SETTLE_S = 0.5
_log = logger(__name__)


class BrokerWork:
    """Something that takes the broker a while, on a thread of its own."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._work = work
        self.failed: BrokerAway | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except BrokerAway as error:
            self.failed = error


class Stage(Enum):
    """How far a switch is."""

    MAKING = auto()  # the new sessions, at the broker
    MARKING = auto()  # until every marker has come through the old ones
    SETTLING = auto()  # until what was read is committed
    SETTLED = auto()  # the new layout may be put in force
    FAILED = auto()  # nothing has changed; to be begun anew


class Switch:
    """One attempt of a worker that holds every share of the old layout, in `slots`.

    `wait_settled(s)` says whether all the lane was given before is committed.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        *,
        make: Callable[[], None],
        bus: ShareBus,
        wait_settled: Callable[[float], bool],
    ) -> None:
        self._slots = list(slots)
        self._bus = bus
        self._wait_settled = wait_settled
        self._making = BrokerWork("switch-make", make)
        self._connections: dict[Slot, int] = {}
        self._until_s = 0.0
        self.stage = Stage.MAKING
        self.closed = False  # the readers pass nothing any more

    def step(self, now_s: float) -> Stage:
        """Go as far as it goes now; return where it stands."""
        if self.stage is Stage.MAKING and self._making.done:
            self._mark(now_s)
        if self.stage is Stage.MARKING:
            self._look(now_s)
        if self.stage is Stage.SETTLING and self._wait_settled(_SETTLE_S):
            self.stage = Stage.SETTLED
        return self.stage

    def _mark(self, now_s: float) -> None:
        if self._making.failed:
            self._fail(str(self._making.failed))
            return
        mark = secrets.token_bytes(16)
        self._connections = {slot: slot.reader.connections for slot in self._slots}
        for slot in self._slots:
            slot.reader.expect(mark)
        try:
            for slot in self._slots:
                for topic in slot.share.markers:
                    self._bus.publish(topic, mark, qos=1)
        except BrokerAway as error:
            self._fail(str(error))
            return
        self._until_s = now_s + _MARKED_WITHIN_S
        self.stage = Stage.MARKING

    def _look(self, now_s: float) -> None:
        """A connection lost meanwhile may owe us something older than the markers."""
        if self._interrupted():
            return
        if all(slot.reader.marked.issuperset(slot.share.markers) for slot in self._slots):
            for slot in self._slots:
                slot.reader.close()
            self.closed = True
            if not self._interrupted():  # until the last of them was closed
                self.stage = Stage.SETTLING
        elif now_s > self._until_s:
            self._fail("the markers did not come")

    def _interrupted(self) -> bool:
        for slot in self._slots:
            reader = slot.reader
            if reader.broken or reader.connections != self._connections[slot]:
                self._fail(f"{slot.share} lost its connection")
                return True
        return False

    def _fail(self, why: str) -> None:
        _log.warning("the switch of layouts is begun anew", why=why)
        self.stage = Stage.FAILED
