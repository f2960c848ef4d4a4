"""Many homes' devices in one thread, playing a scenario, with an account of every event."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from core.clock import Clock, SystemClock
from simulators.connection import Credentials
from simulators.device import HEARTBEAT_EVERY_S, Device
from simulators.loop import Loop
from simulators.outbox import Settled
from simulators.scenario import Planned, plan

_CONNECT_PATIENCE_S = 60.0
_LONGEST_TURN_S = 0.2
_HEARTBEAT_LEAST_S = 10.0  # a hurried evening must not become a flood of heartbeats


@dataclass(frozen=True, slots=True)
class Report:
    """The account. Heartbeats are counted apart: they are never owed and never become rows.

    `sent` counts events given to an outbox, each once; `seqs` holds them by device, in order, so
    that a check can compare with the database; `unacked` are those still owed, by device.
    """

    devices: int
    connected: int
    sent: int
    acked: int
    rejected: int
    unacked: int
    resent: int
    reconnects: int
    heartbeats: int
    by_type: dict[str, int] = field(default_factory=dict)
    seqs: dict[str, list[int]] = field(default_factory=dict)
    unacked_seqs: dict[str, list[int]] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Fleet:
    """Devices of many homes: `credentials` holds (kind, credentials), kind `camera` or `button`.

    The same seed gives the same evening. `run` drives everything in the calling thread; `stop`
    (from any thread) ends it early, with an account of everything that was sent. Raises
    `ConfigurationError` for an unknown scenario.
    """

    def __init__(
        self,
        credentials: list[tuple[str, Credentials]],
        scenario: str = "evening",
        seed: int = 1,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._scenario = scenario
        self._seed = seed
        self._credentials = credentials
        self._devices: list[tuple[str, Device]] = []
        self._seqs: dict[str, list[int]] = {who.device: [] for _, who in credentials}
        self._by_type: dict[str, int] = {}
        self._acked = 0
        self._refused = 0
        self._stopping, self._giving_up = threading.Event(), threading.Event()
        plan(scenario, "camera", "", 0.0)  # an unknown name fails here, not in the run

    def stop(self) -> None:
        """Send nothing new; the last acks are waited for, unless this is called a second time."""
        if self._stopping.is_set():
            self._giving_up.set()
        self._stopping.set()

    def run(
        self,
        duration_s: float,
        speed: float = 1.0,
        *,
        drain_s: float = 60.0,
        on_event: Callable[[str, Planned, int], None] | None = None,
    ) -> Report:
        """Play once: `duration_s` seconds of real time, with `speed` times as much scenario in it.

        Begins when every device is online (or 60 s have passed); then waits at most `drain_s`
        for the last acks. `on_event` is told device id, what happened and its seq.
        """
        loop = Loop(self._clock)
        heartbeat_every_s = max(_HEARTBEAT_LEAST_S, HEARTBEAT_EVERY_S / speed)
        for kind, who in self._credentials:
            device = Device(who, self._clock, heartbeat_every_s=heartbeat_every_s)
            device.join(loop, self._count)
            self._devices.append((kind, device))
        try:
            self._turn_until(loop, _CONNECT_PATIENCE_S, self._all_online, self._stopping)
            self._play(loop, duration_s, speed, on_event)
            self._turn_until(loop, drain_s, self._settled_all, self._giving_up)
            report = self.report()
        finally:
            loop.stop()
        return report

    def report(self) -> Report:
        """Return the account as it stands."""
        devices = [device for _, device in self._devices]
        unacked = {device.id: owed for device in devices if (owed := device.unacked)}
        reasons: dict[str, int] = {}
        for device in devices:
            for reason in device.rejected.values():
                reasons[reason] = reasons.get(reason, 0) + 1
        return Report(
            devices=len(devices),
            connected=sum(device.connection.online.is_set() for device in devices),
            sent=sum(map(len, self._seqs.values())),
            acked=self._acked,
            rejected=sum(reasons.values()),
            unacked=sum(map(len, unacked.values())),
            resent=sum(device.resent for device in devices),
            reconnects=sum(max(0, device.connection.connects - 1) for device in devices),
            heartbeats=sum(device.heartbeats for device in devices),
            by_type=dict(sorted(self._by_type.items())),
            seqs={device: list(seqs) for device, seqs in self._seqs.items()},
            unacked_seqs=unacked,
            reasons=reasons,
        )

    def _play(
        self,
        loop: Loop,
        duration_s: float,
        speed: float,
        on_event: Callable[[str, Planned, int], None] | None,
    ) -> None:
        timeline = heapq.merge(
            *(
                [(planned.at_s / speed, number, planned) for planned in planned_events]
                for number, planned_events in enumerate(self._timelines(duration_s * speed))
            )
        )
        start_s = self._clock.monotonic_s()
        for at_s, number, planned in timeline:
            self._turn_to(loop, start_s + at_s)
            if self._stopping.is_set():
                return
            _, device = self._devices[number]
            seq = device.send(planned.type, planned.data)
            self._seqs[device.id].append(seq)
            self._by_type[planned.type] = self._by_type.get(planned.type, 0) + 1
            if on_event is not None:
                on_event(device.id, planned, seq)
        self._turn_to(loop, start_s + duration_s)

    def _timelines(self, duration_s: float) -> list[list[Planned]]:
        return [
            plan(self._scenario, kind, f"{self._seed}/{device.id}", duration_s)
            for kind, device in self._devices
        ]

    def _turn_to(self, loop: Loop, until_s: float) -> None:
        """Serve until monotonic `until_s` or until stopped; at least one turn."""
        while True:
            left_s = until_s - self._clock.monotonic_s()
            loop.turn(min(_LONGEST_TURN_S, max(0.0, left_s)))
            if left_s <= 0 or self._stopping.is_set():
                return

    def _turn_until(
        self, loop: Loop, patience_s: float, done: Callable[[], bool], ended: threading.Event
    ) -> None:
        end_s = self._clock.monotonic_s() + patience_s
        while not (done() or ended.is_set() or self._clock.monotonic_s() > end_s):
            loop.turn(_LONGEST_TURN_S)

    def _all_online(self) -> bool:
        return all(device.connection.online.is_set() for _, device in self._devices)

    def _settled_all(self) -> bool:
        return self._acked + self._refused >= sum(map(len, self._seqs.values()))

    def _count(self, settled: Settled) -> None:
        self._acked += len(settled.stored)
        self._refused += len(settled.rejected)
