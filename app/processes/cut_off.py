"""Alarms of the lane that the database does not take in time go to the lifeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.lifeline.records import Alarm
from app.processes.guarded import Guarded
from app.processes.lifeline import Lifeline
from app.processes.overdue import Overdue
from app.processes.peers import CARRY_SAID_EVERY_S, Peers
from core.clock import Clock
from core.errors import BrokerAway
from core.ports import Message
from core.telemetry import logger
from core.topics import Kind, Topic
from core.wire import Ack, encode
from ingest.intake import Reported, take_in
from ingest.placement import MAX_AHEAD, MAX_BEHIND

# Two seconds at most may pass before it is decided that the database will not take an alarm; a
# commit under the heaviest load that was measured took 0.25 s (docs/performance.md).
DECIDE_S = 1.5
# Where another process comes first it has so long to say that it pages.
AFTER_OTHERS_S = 0.75
_WATCH_EVERY_S = 0.05
_log = logger(__name__)


class CutOff(Guarded):
    """Watches `bus`, which the lane reads from."""

    def __init__(
        self, bus: Overdue, peers: Peers, lifeline: Lifeline, clock: Clock, *, decide_s: float
    ) -> None:
        super().__init__("cut-off", self._watch, _WATCH_EVERY_S)
        self._bus = bus
        self._peers = peers
        self._lifeline = lifeline
        self._clock = clock
        self._decide_s = decide_s
        self._said_s = float("-inf")

    def _watch(self) -> None:
        wait_s = self._decide_s + (AFTER_OTHERS_S if self._peers.behind() else 0.0)
        messages = self._bus.overdue(wait_s)
        if messages:
            self._take(messages)
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s >= CARRY_SAID_EVERY_S:
            self._said_s = now_s
            if carried := self._lifeline.carried():
                self._peers.say_carried(carried)

    def _take(self, messages: Sequence[Message]) -> None:
        """Journal what somebody must be paged for, then tell the devices that it is safe."""
        now = self._clock.now()
        answers: dict[str, list[int]] = {}
        ours: list[Alarm] = []
        for one in take_in(messages, lane="alarm", now=now).reported:
            alarm = self._alarm(one, now)
            if alarm is None or self._peers.carried_elsewhere(alarm.key):
                continue
            if self._lifeline.take(alarm):
                ours.append(alarm)
                if one.ack:
                    answers.setdefault(one.device, []).append(one.message.seq)
        if ours:
            self._peers.say_carried([alarm.key for alarm in ours])
        if not answers:
            return
        _log.critical("alarms are paged without the database", devices=sorted(answers))
        try:
            self._bus.publish_all(
                [
                    (str(Topic(device, Kind.ACK)), encode(Ack(seqs, mode="lifeline")))
                    for device, seqs in answers.items()
                ]
            )
        except BrokerAway as error:  # the devices ask again; the alarms are safe
            _log.warning("acks were not sent", devices=len(answers), error=str(error))

    def _alarm(self, one: Reported, now: datetime) -> Alarm | None:
        household_id = self._lifeline.ledger.household_of(one.device)
        if household_id is None:
            _log.error("the lifeline knows no home of a device", device=one.device)
            return None
        off = not now - MAX_BEHIND <= one.message.at <= now + MAX_AHEAD
        return Alarm(
            household_id,
            one.device,
            one.source,
            one.message.seq,
            one.message.type,
            told_at=one.message.at,
            at=now if off else one.message.at,
            received_at=now,
            data=bytes(one.message.data),
            topic=one.topic,
        )
