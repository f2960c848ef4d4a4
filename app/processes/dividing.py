"""The cameras of this detect worker among the others': beats over MQTT, subscriptions to match."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from core.clock import Clock
from core.errors import BrokerAway
from core.telemetry import logger
from core.topics import FRAME_LANE, PARTITIONS, Kind, frames_of, wildcard
from core.wire import encode
from core.workers import WORKERS_FILTER, WorkerBeat, worker_topic
from detectors.division import BEAT_EVERY_S, Division
from gateway.mqtt import Session

_LOOK_EVERY_S = 0.25
_log = logger(__name__)

LetGo = Callable[[frozenset[int]], None]


def subscriptions(parts: frozenset[int]) -> list[tuple[str, int]]:
    """Return what a worker hears that looks after these partitions."""
    others = [(wildcard(kind), 1) for kind in FRAME_LANE if kind is not Kind.FRAME]
    if len(parts) == PARTITIONS:
        frames = [(wildcard(Kind.FRAME), 0)]
    else:
        frames = [(frames_of(part), 0) for part in sorted(parts)]
    return [*others, (WORKERS_FILTER, 0), *frames]


class Dividing:
    """Keeps the session's subscriptions equal to what falls to this worker.

    `let_go` gives cameras up and returns when their state is on disk for the next.
    """

    def __init__(self, me: str, session: Session, clock: Clock, let_go: LetGo) -> None:
        self._session = session
        self._clock = clock
        self._let_go = let_go
        self._changed = threading.Condition()
        self._division = Division(me, clock.monotonic_s())
        self._stopping = False
        self._beaten_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="dividing")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give everything up, and say so."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def heard(self, beat: WorkerBeat) -> None:
        """Take a beat, another's or our own come back; from the network thread."""
        with self._changed:
            self._division.heard(beat, self._clock.monotonic_s())
            self._changed.notify_all()

    def holds(self, part: int) -> bool:
        """Whether the cameras of a partition are ours; what still comes of others is theirs."""
        return part in self._division.holds

    def figures(self) -> dict[str, Any]:
        """Return what `doorguard status` shows."""
        with self._changed:
            return {
                "parts": len(self._division.holds),
                "detect_workers": self._division.workers,
                "settled": self._division.settled(self._clock.monotonic_s()),
            }

    def _run(self) -> None:
        holds: frozenset[int] = frozenset()
        while True:
            with self._changed:
                if self._stopping:
                    break
                now_s = self._clock.monotonic_s()
                change = self._division.look(now_s)
                holds = self._division.holds
            if change.take or change.leave:
                self._session.follow(subscriptions(holds))
                _log.info("cameras divided", took=len(change.take), gave_up=len(change.leave))
            if change.leave:
                self._let_go(change.leave)
                with self._changed:
                    self._division.left(change.leave)
            if change.take or change.leave or now_s - self._beaten_s >= BEAT_EVERY_S:
                self._beaten_s = now_s
                self._say(leaves=False)
            with self._changed:
                if not self._stopping:
                    self._changed.wait(_LOOK_EVERY_S)
        self._session.follow(subscriptions(frozenset()))
        self._let_go(holds)
        self._say(leaves=True)

    def _say(self, *, leaves: bool) -> None:
        if not self._session.connected:
            return
        with self._changed:
            beat = self._division.beat(leaves=leaves)
        try:
            self._session.publish(worker_topic(beat.worker), encode(beat))
        except BrokerAway as error:
            _log.warning("no beat", error=str(error))
