"""The order of one session's messages across a reconnection or a takeover; no I/O.

MQTT wants what was not acknowledged sent again before anything new [MQTT-4.4.0-1]. NATS sends the
new at once, and each unacknowledged message when the acknowledgement time since it was last sent
has run out: after several holders in a short time, in any order. So after a session was resumed
all is held until the past has come, and then passed on by the devices' own `seq`. When its time has
run out, what is past stands ahead of anything new: markers published then, and read, say that it
has come, however late the broker or we are. The wait is also a fence: a worker that woke up without
its lock, and for a moment took its session back, has noticed before it would pass on anything.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.markers import MARKED
from core.ports import Message
from core.telemetry import SHED
from ingest.sharing.sequence import by_seq

# What one reader holds back at most, in bytes of payload. The broker's window (4,096 messages)
# bounds it sooner, unless somebody floods with large ones.
MAX_HELD_BYTES = 16 * 1024 * 1024
_AT_ONCE_BYTES = 1024 * 1024  # what is handed to the lane in one piece
# A broker whose window is full of what we hold sends no marker before we acknowledge something.
_MARKED_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a reader hands over: `offer` to the lane, which has room for `room()` messages.

    To the session go `acknowledge`, for what never reaches the lane, and `shed`, for what must
    come again.
    """

    offer: Callable[[Sequence[Message]], None]
    room: Callable[[], int]
    acknowledge: Callable[[Sequence[Message]], None]
    shed: Callable[[Sequence[Message]], None]


class Reader:
    """Passes on what one session received, in the order it was published.

    `resume_s` is how long after a resumption the broker may wait before it sends what was
    unacknowledged.
    Called by the network thread (`connected`, `take`), the lane (`overtaken`) and the worker (the
    rest). `now_s` is monotonic.
    """

    def __init__(
        self,
        outlet: Outlet,
        *,
        resume_s: float,
        passes: Callable[[str], bool] | None = None,
    ) -> None:
        self._outlet = outlet
        self._passes = passes  # says of a topic whether it is this share's; None: all are
        self._resume_s = resume_s
        self._lock = threading.RLock()  # an offer may be shed in the same call
        self._ready: deque[Message] = deque()  # may go as soon as the lane has room
        self._resumed: list[Message] = []  # not before all of the session's past has come
        self._held_bytes = 0
        self._resuming_until_s = float("-inf")
        self._to_ask_at_s: float | None = None  # for markers, to know that the past has come
        self._awaited: set[str] = set()
        self._broken = self._closed = False
        self._mark = b""
        self._marked: set[str] = set()
        self.connections = 0

    @property
    def broken(self) -> bool:
        """Whether something was shed: it must come again, and nothing newer before it."""
        return self._broken

    @property
    def owed(self) -> bool:
        """Whether it is time to ask for what was shed: nothing older is held any more."""
        with self._lock:
            return self._broken and not self._ready and not self._resumed

    def caught_up(self, now_s: float) -> bool:
        """Say whether nothing older than what it passes on now can still come."""
        with self._lock:
            return now_s >= self._resuming_until_s and not self._resumed and not self._ready

    @property
    def marked(self) -> set[str]:
        """The topics on which the expected mark was passed."""
        with self._lock:
            return set(self._marked)

    def expect(self, mark: bytes) -> None:
        """Look out for markers with this payload; others are acknowledged and forgotten."""
        with self._lock:
            self._mark, self._marked = mark, set()

    def connected(self, *, resumed: bool, now_s: float) -> None:
        """Begin anew on a new connection; `resumed` when the broker kept a session for us."""
        with self._lock:
            self.connections += 1
            self._broken = False
            self._forget()
            self._awaited = set()
            self._to_ask_at_s = now_s + self._resume_s if resumed else None
            self._resuming_until_s = (
                now_s + self._resume_s + _MARKED_WITHIN_S if resumed else float("-inf")
            )

    def asks(self, now_s: float, mark: bytes, topics: Iterable[str]) -> bool:
        """Say, once, that it is time to publish `mark` on `topics`, and look out for it."""
        with self._lock:
            if self._closed or self._to_ask_at_s is None or now_s < self._to_ask_at_s:
                return False
            self._to_ask_at_s = None
            self._mark, self._marked, self._awaited = mark, set(), set(topics)
            return True

    def take(self, messages: Sequence[Message], now_s: float) -> None:
        """Pass messages on, or hold them; forget what is another share's."""
        if passes := self._passes:
            others = [one for one in messages if not passes(one.topic)]
            if others:
                self._outlet.acknowledge(others)
                messages = [one for one in messages if passes(one.topic)]
        with self._lock:
            if self._closed or self._broken:
                self._outlet.shed(messages)
            elif (
                now_s >= self._resuming_until_s
                and not self._ready
                and not self._resumed
                and len(messages) <= self._outlet.room()
            ):
                self._pass(messages)
            else:
                self._hold(messages, resuming=now_s < self._resuming_until_s)
                self._go_on(now_s)

    def pump(self, now_s: float) -> None:
        """Pass on what was held and may go now."""
        with self._lock:
            self._go_on(now_s)

    def overtaken(self) -> None:
        """The lane had no room for something: what stood behind it must not overtake it."""
        with self._lock:
            self._break()

    def close(self) -> None:
        """Pass on nothing more."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _hold(self, messages: Sequence[Message], *, resuming: bool) -> None:
        if not resuming:
            self._end_resumption()
        for place, message in enumerate(messages):
            if self._held_bytes + len(message.payload) > MAX_HELD_BYTES:
                self._overflow(messages[place:])
                return
            if message.topic in self._awaited and message.payload == self._mark:
                self._awaited.discard(message.topic)
                if not self._awaited:
                    self._resuming_until_s = float("-inf")  # this and all before it may go
            kept = resuming and message.token is not None
            (self._resumed if kept else self._ready).append(message)
            self._held_bytes += len(message.payload)

    def _go_on(self, now_s: float) -> None:
        if now_s >= self._resuming_until_s:
            self._end_resumption()
        while self._ready and (room := self._outlet.room()) > 0:
            going: list[Message] = []
            size_bytes = 0
            while self._ready and len(going) < room and size_bytes < _AT_ONCE_BYTES:
                message = self._ready.popleft()
                going.append(message)
                size_bytes += len(message.payload)
            self._held_bytes -= size_bytes
            self._pass(going)

    def _end_resumption(self) -> None:
        if self._resumed:
            self._ready += by_seq(self._resumed)
            self._resumed.clear()

    def _pass(self, messages: Sequence[Message]) -> None:
        markers: list[Message] = []
        if not MARKED.isdisjoint([message.topic for message in messages]):
            markers = [message for message in messages if message.topic in MARKED]
            messages = [message for message in messages if message.topic not in MARKED]
        if messages:
            self._outlet.offer(messages)
        if markers and not self._broken:  # what was offered with them may have been shed
            self._marked.update(one.topic for one in markers if one.payload == self._mark)
            self._outlet.acknowledge(markers)

    def _overflow(self, surplus: Sequence[Message]) -> None:
        """Shed what there is no room to hold, and go on with what is held: that makes room."""
        self._broken = True
        SHED.labels("reader").inc(len(surplus))
        self._outlet.shed(surplus)
        self._end_resumption()
        self._resuming_until_s = float("-inf")

    def _break(self) -> None:
        self._broken = True
        self._let_go()

    def _let_go(self) -> None:
        held = self._forget()
        if held:
            SHED.labels("reader").inc(len(held))
            self._outlet.shed(held)

    def _forget(self) -> list[Message]:
        """Hold nothing any more; unacknowledged, it comes again."""
        held = [*self._ready, *self._resumed]
        self._ready.clear()
        self._resumed.clear()
        self._held_bytes = 0
        return held
