"""What people need of the app though the database is away: to call for help, and to answer a page.

Each is tried with the database first, and decided after 1.5 s: then the lifeline has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from alerts import incidents
from alerts.lifeline.reconciling import reconcile
from alerts.lifeline.records import Alarm, Said
from alerts.pages import AnswerView, PageView
from app.accounts.callers import Callers
from app.accounts.principal import Principal
from app.api.models import EventReceipt
from app.processes.answers import Asking
from app.processes.calls import as_alarm, as_event
from app.processes.guarded import Guarded
from app.processes.in_time import InTime
from app.processes.lifeline import ROSTER_EVERY_S, Lifeline
from core.clock import Clock
from core.database import Database
from core.errors import DatabaseAway
from core.settings import Settings
from core.telemetry import logger
from ingest import store

_log = logger(__name__)
_T = TypeVar("_T")


class Calling:
    """The app's `RaiseSos`, and its way around the database (`app.api.around.WayAround`)."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        clock: Clock,
        lifeline: Lifeline,
        asking: Asking,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._lifeline = lifeline
        self._asking = asking
        self._callers = Callers(lifeline.folder, settings.service_key)
        self._refreshing = Guarded("callers", self._refresh, ROSTER_EVERY_S)
        self._in_time = InTime()

    def start(self) -> None:
        self._refreshing.start()

    def stop(self) -> None:
        self._refreshing.stop()
        self._in_time.stop()

    def in_time(self, work: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
        """Return what `work` does with the database, or what is done where that is away."""
        return self._in_time.decide(work, otherwise)

    def caller(self, secret: str) -> Principal:
        """Return whose token or session it is, by the last half minute. Raises `Refused`."""
        return self._callers.authenticate(secret, self._clock.now())

    def raise_sos(self, household_id: str, actor: str, seq: int) -> EventReceipt:
        """Commit a call: event, incident and pages in one transaction."""
        alarm = self._alarm(household_id, actor, seq)
        carried = self._lifeline.carried_as(alarm.key)
        now = alarm.received_at
        with self._database.transaction() as conn:
            event = as_event(conn, alarm)
            new = store.store(conn, [event])
            incident_id = (
                incidents.on_event(conn, event, now=now, settings=self._settings)
                if carried is None
                else reconcile(conn, carried, [event], now=now, settings=self._settings)
            )
        return EventReceipt(event_at=event.at, incident_id=incident_id, duplicate=not new)

    def carry_sos(self, household_id: str, actor: str, seq: int) -> EventReceipt:
        """Journal a call and page for it. Raises `DatabaseAway` where that cannot be done."""
        alarm = self._alarm(household_id, actor, seq)
        known = self._lifeline.carried_as(alarm.key)
        if not self._lifeline.take(alarm):
            raise DatabaseAway("the call could not be kept; it must be repeated")
        carried = self._lifeline.carried_as(alarm.key)
        if carried is None:  # brought in that very moment: the next try finds it there
            raise DatabaseAway("the database has just come back")
        at = next(one.at for one in carried.alarms if one.key == alarm.key)
        return EventReceipt(
            event_at=at,
            incident_id=carried.raised.incident_id,
            duplicate=known is not None,
            mode="lifeline",
        )

    def answer(self, page_id: int, said: Said) -> AnswerView | None:
        """Take a responder's answer; None where nobody carries the page, and it is kept.

        Raises `Conflict`, and `TemporaryError` where it cannot be kept.
        """
        own = self._lifeline.answer(page_id, said)
        if own is not None:
            return own
        try:
            return self._asking.answer(page_id, said)
        except DatabaseAway:
            self._lifeline.keep(page_id, said)
            return None

    def look(self, page_id: int, *, shown: bool) -> PageView:
        """Return what a responder may see. Raises `DatabaseAway` where nobody carries the page."""
        own = self._lifeline.look(page_id, shown=shown)
        return self._asking.look(page_id, shown=shown) if own is None else own

    def _alarm(self, household_id: str, actor: str, seq: int) -> Alarm:
        data = msgspec.json.encode({"by": actor})
        return as_alarm(household_id, seq, data, self._clock.now())

    def _refresh(self) -> None:
        try:
            self._callers.refresh(self._database, self._clock.now())
        except OSError as error:
            _log.critical("those who may call cannot be kept on disk", error=str(error))
