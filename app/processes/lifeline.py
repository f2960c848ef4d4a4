"""The lifeline of one process: what it took without the database is paged, and brought in later.

page     what is due: pages, the next responder, steps
roster   read anew each half minute
settle   brings what was carried into the database once it is back
adopt    carries on what a process that is gone left on this disk
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import msgspec

from alerts.lifeline import folders
from alerts.lifeline.carried import Carried
from alerts.lifeline.ledger import Ledger
from alerts.lifeline.reconciling import enter_answer, log_looks, reconcile
from alerts.lifeline.records import Alarm, AlarmKey, Kept, Said, key_of
from alerts.pages import AnswerView, PageView
from alerts.paging.delivery import SEND_WITHIN_S, Claimed, send_within
from app.processes.calls import APP_DEVICE, as_event
from app.processes.guarded import Guarded
from core.clock import Clock
from core.database import Connection, Database
from core.errors import NotFound
from core.model import Event
from core.ports import Channel
from core.settings import Settings
from core.telemetry import logger
from core.wire import EventMessage
from ingest import store
from ingest.attribution import attribute
from ingest.homes import Homes
from ingest.intake import Reported

ROSTER_EVERY_S = 30.0
_PAGE_EVERY_S = 0.05
_SETTLE_EVERY_S = 1.0
_SENDERS = 16
_PAGE_COMES_WITHIN = timedelta(hours=1)
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """A folder that is ours, and what stands in it."""

    folder: folders.Folder
    ledger: Ledger

    def close(self) -> None:
        self.ledger.close()
        self.folder.release()


class Lifeline:
    """A road past the database. Alarms are given to `take`; the rest happens by itself."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        clock: Clock,
        channels: Sequence[Channel],
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._channels = {channel.name: channel for channel in channels}
        own = folders.claim(settings.state_folder)
        self.folder = own.path
        self.ledger = Ledger(own.path, settings)
        self._held = [_Held(own, self.ledger)]
        self._logged: dict[int, int] = {}  # looks, by incident
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="lifeline")
        self._threads = [
            Guarded("lifeline-page", self._page, _PAGE_EVERY_S),
            Guarded("lifeline-roster", self._refresh, ROSTER_EVERY_S),
            Guarded("lifeline-settle", self._settle, _SETTLE_EVERY_S),
            Guarded("lifeline-adopt", self._adopt, _SETTLE_EVERY_S),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what is carried stands in the journal and is taken up by the next start."""
        for thread in reversed(self._threads):
            thread.stop()
        self._senders.shutdown(wait=True, cancel_futures=True)
        for held in self._held:
            held.close()

    def figures(self) -> dict[str, object]:
        adopted = [held.ledger for held in self._held if held.ledger is not self.ledger]
        own = self.ledger.figures(self._clock.now())
        more = sum(ledger.figures(self._clock.now())["lifeline_carried"] for ledger in adopted)
        return own | {"lifeline_carried": own["lifeline_carried"] + more}

    def answer(self, page_id: int, said: Said) -> AnswerView | None:
        """Take a responder's answer; None for a page that is not carried here.

        Raises `Conflict` when somebody else was first, `Refused` for a pager that is not theirs,
        `TemporaryError` when it cannot be kept.
        """
        now = self._clock.now()
        found = (held.ledger.answer(page_id, said, now=now) for held in tuple(self._held))
        return next((one for one in found if one is not None), None)

    def keep(self, page_id: int, said: Said) -> None:
        """Write down an answer to a page that only the database knows. Raises `TemporaryError`."""
        self.ledger.keep(page_id, said, now=self._clock.now())

    def look(self, page_id: int, *, shown: bool) -> PageView | None:
        """Return what a responder may see of a page, None when it is not carried here.

        One that is `shown` to them stands in the access log later.
        """
        now = self._clock.now()
        found = (held.ledger.look(page_id, now=now, shown=shown) for held in tuple(self._held))
        return next((one for one in found if one is not None), None)

    def carried_for(self, event: Event) -> Carried | None:
        """Return what is carried for an event, None when it is new to the lifeline."""
        return self.carried_as(key_of(event))

    def carried(self) -> list[AlarmKey]:
        """Return the alarms that are carried here, adopted ones too."""
        return [key for held in tuple(self._held) for key in held.ledger.carried()]

    def take(self, alarm: Alarm) -> bool:
        """Journal an alarm and page for it; return whether it is safe on disk."""
        if self.carried_as(alarm.key) is not None:
            return True
        return self.ledger.take(alarm, now=self._clock.now())

    def carried_as(self, key: AlarmKey) -> Carried | None:
        """Return what is carried for an alarm, None when it is new to the lifeline."""
        found = (held.ledger.carried_for(key) for held in self._held)
        return next((one for one in found if one is not None), None)

    def _refresh(self) -> None:
        """Read the roster, for ourselves and for whoever starts while the database is away."""
        try:
            self.ledger.refresh(self._database, self._clock.now())
            spare = folders.claim(self._settings.state_folder)
            laid = _Held(spare, Ledger(spare.path, self._settings))
            try:
                if laid.ledger.idle:
                    laid.ledger.refresh(self._database, self._clock.now())
            finally:
                laid.close()
        except OSError as error:
            _log.critical("the lifeline's roster cannot be written", error=str(error))

    def _page(self) -> None:
        now = self._clock.now()
        for held in tuple(self._held):
            for claimed in held.ledger.due(now):
                self._senders.submit(partial(self._send, held.ledger, claimed))

    def _send(self, ledger: Ledger, claimed: Claimed) -> None:
        result = send_within(self._channels, claimed, SEND_WITHIN_S, lambda: None)
        if not result.sent:
            _log.warning(
                "a page did not go out",
                page_id=claimed.page.page_id,
                channel=claimed.channel,
                again_after_s=result.again_after_s,
                error=result.error,
            )
        ledger.tried(claimed, result, now=self._clock.now())

    def _adopt(self) -> None:
        for folder in folders.left_behind(self._settings.state_folder):
            ledger = Ledger(folder.path, self._settings)
            _log.critical(
                "another process is gone; what it carried is carried on here",
                folder=str(folder.path),
                alarms=len(ledger.carried()),
            )
            self._held.append(_Held(folder, ledger))

    def _settle(self) -> None:
        for held in tuple(self._held):
            for carried in held.ledger.to_settle():
                self._bring_in(held.ledger, carried)
            for kept in held.ledger.kept():
                self._enter(held.ledger, kept)
            if held.ledger is not self.ledger and held.ledger.idle:
                self._held.remove(held)
                held.close()

    def _bring_in(self, ledger: Ledger, carried: Carried) -> None:
        now = self._clock.now()
        with self._database.transaction() as conn:
            events = [self._stored(conn, alarm) for alarm in carried.alarms]
            incident_id = reconcile(conn, carried, events, now=now, settings=self._settings)
            log_looks(conn, carried, after=self._logged.get(carried.raised.incident_id, 0))
        self._logged[carried.raised.incident_id] = len(carried.looks)
        ledger.settle(carried)
        _log.warning(
            "a carried incident stands in the database",
            incident_id=incident_id,
            pages=len(carried.pages),
        )

    def _enter(self, ledger: Ledger, kept: Kept) -> None:
        try:
            with self._database.transaction() as conn:
                enter_answer(conn, kept, self._settings)
        except NotFound as error:  # another process is still bringing its page in, or never will
            if self._clock.now() - kept.at < _PAGE_COMES_WITHIN:
                return
            _log.critical("a kept answer has no page", answer=kept.answer, error=str(error))
        ledger.enter(kept)

    def _stored(self, conn: Connection, alarm: Alarm) -> Event:
        """Return the row of an alarm, stored now where the lane has not done so yet."""
        if alarm.device_id == APP_DEVICE:
            call = as_event(conn, alarm)
            store.store(conn, [call])
            return call
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
