"""The journal and the state that follows from it, safe for the threads that share them."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.lifeline.carried import Carried, CarriedPage, Due
from alerts.lifeline.carrying import Carrying
from alerts.lifeline.journal import Journal
from alerts.lifeline.keeping import Keeping
from alerts.lifeline.records import (
    Alarm,
    AlarmKey,
    Entered,
    Kept,
    Looked,
    Record,
    Said,
    Settled,
    Tried,
    Word,
)
from alerts.lifeline.roster import Roster, read_roster, roster_file
from alerts.lifeline.showing import answer_view, page_view
from alerts.pages import AnswerView, PageView
from alerts.paging.delivery import Claimed, Result, claimed_of
from alerts.rules.loading import rules_of
from core.database import Database
from core.errors import NotFound, PermanentError, TemporaryError
from core.settings import Settings
from core.telemetry import logger

_log = logger(__name__)


class Ledger:
    """What the lifeline of one process carries.

    An alarm is safe (`take` says so) when its record is on disk. With a journal that cannot be
    written it is paged all the same, and not safe: its device goes on sending it.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._journal = Journal(folder, settings.service_key)
        self._file = roster_file(folder, settings.service_key)
        self._carrying = Carrying(settings, rules_of(settings))
        self._keeping = Keeping()
        self._apply(self._journal.read())
        self._carrying.roster = self._file.read()
        self._in_flight: set[tuple[int, str, str]] = set()
        self._taken = self._settled = 0

    def close(self) -> None:
        self._journal.close()

    def household_of(self, device_id: str) -> str | None:
        """Return the home that a device serves, by the roster."""
        with self._lock:
            roster = self._carrying.roster
            return roster.devices.get(device_id) if roster else None

    def carried_for(self, key: AlarmKey) -> Carried | None:
        """Return a copy of the incident that is carried for this alarm, None when there is none."""
        with self._lock:
            return copy.deepcopy(self._carrying.incident_of(key))

    def take(self, alarm: Alarm, *, now: datetime) -> bool:
        """Take an alarm that the database does not; return whether it is safe and being paged.

        False for what nobody is paged for, and where it cannot be done (logged): it stays with
        the broker and waits for the database.
        """
        with self._lock:
            if self._carrying.incident_of(alarm.key) is not None:
                return True
            try:
                records = self._carrying.take(alarm, now=now)
            except PermanentError as error:
                _log.critical("the lifeline cannot page", device=alarm.device_id, error=str(error))
                return False
            if not records:
                return False
            self._taken += 1
            return self._append(records)

    def due(self, now: datetime) -> list[Claimed]:
        """Ask whoever is to be asked by now; return the messages to send, each given out once."""
        with self._lock:
            while records := self._carrying.escalate(now):
                self._append(records)
            due = [one for one in self._carrying.to_send(now) if one.key not in self._in_flight]
            messages: list[Claimed] = []
            for one in due:
                row = self._row(one)
                if row is None:
                    continue
                self._in_flight.add(one.key)
                messages.append(claimed_of(row, self._settings))
            return messages

    def tried(self, claimed: Claimed, result: Result, *, now: datetime) -> None:
        """Note what came of sending a message that `due` gave out."""
        with self._lock:
            page = claimed.page
            self._in_flight.discard((page.page_id, claimed.channel, page.message))
            if page.incident_id not in self._carrying.incidents:
                return  # the database has it, and a row of its own for the message
            again_at = (
                None
                if result.again_after_s is None
                else now + timedelta(seconds=result.again_after_s)
            )
            word: Word = "stand_down" if page.message == "stand_down" else "page"
            self._append(
                [
                    Tried(
                        page.incident_id,
                        page.page_id,
                        claimed.channel,
                        now,
                        result.error,
                        again_at,
                        word,
                    )
                ]
            )

    def answer(self, page_id: int, said: Said, *, now: datetime) -> AnswerView | None:
        """Take a responder's answer to a page that is carried; None when it is not.

        Raises `Conflict` when somebody else was first, `Refused` for a pager that is not theirs,
        `TemporaryError` when it cannot be kept.
        """
        with self._lock:
            if self._carrying.page(page_id) is None:
                return None
            if not self._append(self._carrying.answer(page_id, said, now=now)):
                raise TemporaryError("the answer could not be kept; try again")
            return answer_view(*self._found(page_id))

    def look(self, page_id: int, *, now: datetime, shown: bool) -> PageView | None:
        """Return what a responder may see of a page that is carried, None when it is not.

        One that is `shown` is journalled, and stands in the access log once the database is back.
        """
        with self._lock:
            if self._carrying.page(page_id) is None:
                return None
            carried, page = self._found(page_id)
            view = page_view(carried, page, self._carrying.roster)
            if shown and view is not None and not view.over:
                self._append([Looked(carried.raised.incident_id, page_id, now)])
            return view

    def keep(self, page_id: int, said: Said, *, now: datetime) -> None:
        """Write down an answer to a page that only the database knows.

        Raises `TemporaryError` when it cannot be kept.
        """
        with self._lock:
            if not self._append(self._keeping.keep(page_id, said, now=now)):
                raise TemporaryError("the answer could not be kept; try again")

    def kept(self) -> list[Kept]:
        """Return the oldest kept answer of each page."""
        with self._lock:
            return self._keeping.next()

    def enter(self, kept: Kept) -> None:
        """Keep an answer no longer: the database has been told."""
        with self._lock:
            self._append([Entered(kept.page_id, kept.at)])
            self._clear()

    @property
    def idle(self) -> bool:
        """Whether nothing is carried and nothing kept."""
        with self._lock:
            return not self._carrying.incidents and not self._keeping.waiting

    def _found(self, page_id: int) -> tuple[Carried, CarriedPage]:
        found = self._carrying.page(page_id)
        if found is None:
            raise NotFound(f"no page {page_id}", "page.unknown")
        return found

    def carried(self) -> list[AlarmKey]:
        """Return the alarms that are carried."""
        with self._lock:
            return self._carrying.alarms()

    def to_settle(self) -> list[Carried]:
        """Return copies of the incidents of which nothing is being sent this moment."""
        with self._lock:
            busy = {page_id for page_id, *_ in self._in_flight}
            return [
                copy.deepcopy(one)
                for one in self._carrying.incidents.values()
                if not busy & one.pages.keys()
            ]

    def settle(self, seen: Carried) -> None:
        """Carry an incident no longer, unless something happened to it since `seen` was made."""
        with self._lock:
            now_carried = self._carrying.incidents.get(seen.raised.incident_id)
            if now_carried != seen:
                return
            self._settled += 1
            self._append([Settled(seen.raised.incident_id)])
            self._clear()

    def refresh(self, database: Database, now: datetime) -> None:
        """Read the roster anew and keep it on disk. Raises `DatabaseAway`, `OSError`."""
        with self._lock:
            last = self._unused()
        with database.transaction() as conn:
            roster = read_roster(conn, now=now, last=last)
        self._file.write(roster)
        with self._lock:
            self._carrying.roster = roster

    def figures(self, now: datetime) -> dict[str, Any]:
        """Return what `doorguard status` shows of it."""
        with self._lock:
            roster = self._carrying.roster
            return {
                "lifeline_carried": len(self._carrying.incidents),
                "lifeline_taken": self._taken,
                "lifeline_settled": self._settled,
                "answers_kept": len(self._keeping.waiting),
                "roster_homes": len(roster.homes) if roster else None,
                "roster_age_s": round((now - roster.taken_at).total_seconds()) if roster else None,
            }

    def _unused(self) -> Roster | None:
        roster = self._carrying.roster
        if roster is None:
            return None
        incident_ids, page_ids = self._carrying.unused(roster)
        return Roster(
            roster.taken_at,
            roster.homes,
            roster.devices,
            roster.responders,
            incident_ids,
            page_ids,
        )

    def _append(self, records: Sequence[Record]) -> bool:
        """Write down and let take effect; return whether it is on disk."""
        safe = True
        try:
            self._journal.append(records)
        except OSError as error:
            safe = False
            _log.critical("the lifeline's journal cannot be written", error=str(error))
        self._apply(records)
        return safe

    def _apply(self, records: Sequence[Record]) -> None:
        self._carrying.apply(records)
        self._keeping.apply(records)

    def _clear(self) -> None:
        """Begin the journal anew where nothing in it is needed any more."""
        if not self._carrying.incidents and not self._keeping.waiting:
            self._journal.begin_anew(self._carrying.began())

    def _row(self, due: Due) -> dict[str, Any] | None:
        """Return the message as the query `claim` would; None when the roster lost a part of it."""
        roster = self._carrying.roster
        carried, page = due.carried, due.page
        fares = page.channels if due.message == "page" else page.stand_downs
        home = roster.homes.get(carried.household_id) if roster else None
        crew = roster.responders.get(page.paged.responder_id) if roster else None
        if home is None or crew is None:
            return None
        raised = carried.raised
        return {
            "delivery_id": 0,
            "page_id": page.paged.page_id,
            "channel": due.channel,
            "message": due.message,
            "attempt": fares[due.channel].made + 1,
            "distance_m": page.paged.distance_m,
            "answer_by": page.paged.answer_by,
            "responder_id": crew.responder_id,
            "responder_name": crew.name,
            "webhook_url": crew.webhook_url,
            "webhook_secret": crew.webhook_secret,
            "apprise_url": crew.apprise_url,
            "device_id": crew.device_id,
            "incident_id": raised.incident_id,
            "kind": raised.kind,
            "priority": raised.priority,
            "opened_at": raised.alarm.at,
            "household_name": home.name,
            "address": home.address,
            "access_note": home.access_note,
            "lat": home.lat,
            "lon": home.lon,
        }
