"""The lifeline's threads: alarms that the database does not take are paged from the roster.

watch    alarms that nobody has settled for 1.5 s: journal, acknowledge, page, escalate
roster   reads the roster anew each half minute
settle   brings what was carried into the database once it is back
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from alerts.lifeline.carrying import Carried
from alerts.lifeline.ledger import Ledger
from alerts.lifeline.reconciling import reconcile
from alerts.lifeline.records import Alarm
from alerts.paging.delivery import SEND_WITHIN_S, Claimed, send_within
from app.processes.overdue import Overdue
from core.clock import Clock
from core.database import Connection, Database
from core.errors import BrokerAway, TemporaryError
from core.model import Event
from core.ports import Channel, Message
from core.settings import Settings
from core.telemetry import logger
from core.topics import Kind, Topic
from core.wire import Ack, EventMessage, encode
from ingest import store
from ingest.attribution import attribute
from ingest.homes import Homes
from ingest.intake import Reported, take_in
from ingest.placement import MAX_AHEAD, MAX_BEHIND

# Two seconds at most may pass before it is decided that the database will not take an alarm; a
# commit under the heaviest load that was measured took 0.25 s (docs/performance.md).
DECIDE_S = 1.5
ROSTER_EVERY_S = 30.0
_WATCH_EVERY_S = 0.05
_SETTLE_EVERY_S = 1.0
_SENDERS = 16
_log = logger(__name__)


class Lifeline:
    """One process' road past the database. Its lane reads from `bus`."""

    def __init__(
        self,
        bus: Overdue,
        *,
        settings: Settings,
        database: Database,
        clock: Clock,
        channels: Sequence[Channel],
        decide_s: float = DECIDE_S,
    ) -> None:
        self._bus = bus
        self._settings = settings
        self._database = database
        self._clock = clock
        self._channels = {channel.name: channel for channel in channels}
        self._decide_s = decide_s
        name = f"lifeline-{settings.instance}" if settings.instance else "lifeline"
        self.ledger = Ledger(settings.state_folder / name, settings)
        self._stop = threading.Event()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="lifeline")
        self._threads = [
            threading.Thread(target=self._guarded, args=(work, every_s), name=f"lifeline-{label}")
            for label, work, every_s in (
                ("watch", self._watch, _WATCH_EVERY_S),
                ("roster", self._refresh, ROSTER_EVERY_S),
                ("settle", self._settle, _SETTLE_EVERY_S),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what is carried stands in the journal and is taken up by the next start."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self.ledger.close()

    def figures(self) -> dict[str, object]:
        return self.ledger.figures(self._clock.now())

    def carried_for(self, event: Event) -> Carried | None:
        """Return what is carried for an event, None when it is new to the lifeline."""
        told_at = event.at if event.reported_at is None else event.reported_at
        return self.ledger.carried_for((event.device_id, str(event.source), event.seq, told_at))

    def _guarded(self, work: Callable[[], None], every_s: float) -> None:
        while not self._stop.is_set():
            try:
                work()
            except TemporaryError as error:
                _log.warning("the lifeline waits", work=work.__name__, error=str(error))
                self._stop.wait(min(error.delay_s, _SETTLE_EVERY_S))
                continue
            except BaseException as error:
                _log.critical("the lifeline stopped by a bug", exc_info=error)
                os.kill(os.getpid(), signal.SIGTERM)
                raise
            self._stop.wait(every_s)

    def _refresh(self) -> None:
        try:
            self.ledger.refresh(self._database, self._clock.now())
        except OSError as error:
            _log.critical("the lifeline's roster cannot be written", error=str(error))

    def _watch(self) -> None:
        messages = self._bus.overdue(self._decide_s)
        if messages:
            self._take(messages)
        for claimed in self.ledger.due(self._clock.now()):
            self._senders.submit(self._send, claimed)

    def _take(self, messages: Sequence[Message]) -> None:
        """Journal what somebody must be paged for, then tell the devices that it is safe."""
        now = self._clock.now()
        answers: dict[str, list[int]] = {}
        for one in take_in(messages, lane="alarm", now=now).reported:
            household_id = self.ledger.household_of(one.device)
            if household_id is None:
                _log.error("the lifeline knows no home of a device", device=one.device)
                continue
            off = not now - MAX_BEHIND <= one.message.at <= now + MAX_AHEAD
            alarm = Alarm(
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
            if self.ledger.take(alarm, now=now) and one.ack:
                answers.setdefault(one.device, []).append(one.message.seq)
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

    def _send(self, claimed: Claimed) -> None:
        result = send_within(self._channels, claimed, SEND_WITHIN_S, lambda: None)
        if not result.sent:
            _log.warning(
                "a page did not go out",
                page_id=claimed.page.page_id,
                channel=claimed.channel,
                again_after_s=result.again_after_s,
                error=result.error,
            )
        self.ledger.tried(claimed, result, now=self._clock.now())

    def _settle(self) -> None:
        for carried in self.ledger.to_settle():
            now = self._clock.now()
            with self._database.transaction() as conn:
                events = [self._stored(conn, alarm) for alarm in carried.alarms]
                incident_id = reconcile(conn, carried, events, now=now, settings=self._settings)
            self.ledger.settle(carried)
            _log.warning(
                "a carried incident stands in the database",
                incident_id=incident_id,
                pages=len(carried.pages),
            )

    def _stored(self, conn: Connection, alarm: Alarm) -> Event:
        """Return the row of an alarm, stored now where the lane has not done so yet."""
        message = EventMessage(
            seq=alarm.seq, type=alarm.type, at=alarm.told_at, data=msgspec.Raw(alarm.data)
        )
        reported = Reported(alarm.device_id, alarm.source, message, alarm.topic, ack=False)
        rows, refused = attribute(conn, Homes(self._clock), [reported], alarm.received_at)
        if refused:  # the registry has changed since: it belongs to the home it was taken for
            _log.error(
                "a carried alarm has lost its home", device=alarm.device_id, why=str(refused[0][1])
            )
        event = (
            rows[0][1]
            if rows
            else Event(
                alarm.household_id,
                alarm.at,
                alarm.device_id,
                alarm.seq,
                alarm.source,
                alarm.type,
                alarm.received_at,
                alarm.data,
            )
        )
        store.store(conn, [event])
        return event
