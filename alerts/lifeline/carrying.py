"""The incidents carried without the database: what was decided, and what is due next. Pure.

Every change is a record; `apply` of the journal's records, in order, gives the same state again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts import policy, ranking
from alerts.crew import for_step
from alerts.lifeline import answering
from alerts.lifeline.carried import Carried, CarriedPage, Due, happen
from alerts.lifeline.records import (
    Alarm,
    AlarmKey,
    Answered,
    Began,
    Entered,
    Joined,
    Kept,
    OfIncident,
    Paged,
    Raised,
    Record,
    Said,
    Settled,
    Stepped,
)
from alerts.lifeline.roster import OnCall, Roster
from alerts.planning import REPAGE_AFTER_S, answer_by
from alerts.policy import SYNTHETIC
from alerts.responders import ADDRESSES
from alerts.rules.deciding import Home, Opens, decide
from alerts.rules.steps import Step
from alerts.rules.table import Table
from core.errors import NotFound, PermanentError, Refused
from core.settings import Settings


class Carrying:
    """State of the lifeline. Not thread-safe; whoever uses it holds a lock."""

    def __init__(self, settings: Settings, rules: Table) -> None:
        self._settings = settings
        self._rules = rules
        self._last_incident_id = self._last_page_id = 0
        self._by_alarm: dict[AlarmKey, int] = {}
        self._nobody_until: dict[int, datetime] = {}  # whom to ask is looked for again then
        self.incidents: dict[int, Carried] = {}
        self.roster: Roster | None = None

    def began(self) -> Began:
        """Return the record with which the next journal begins."""
        return Began(self._last_incident_id, self._last_page_id)

    def incident_of(self, key: AlarmKey) -> Carried | None:
        """Return the carried incident that this alarm belongs to."""
        incident_id = self._by_alarm.get(key)
        return None if incident_id is None else self.incidents[incident_id]

    def page(self, page_id: int) -> tuple[Carried, CarriedPage] | None:
        """Return a page with its incident, None when it is not carried."""
        for carried in self.incidents.values():
            if page_id in carried.pages:
                return carried, carried.pages[page_id]
        return None

    def answer(self, page_id: int, said: Said, *, now: datetime) -> list[Answered]:
        """Return what an answer adds.

        Raises `NotFound`, `Conflict`, and `Refused` for a pager that its responder does not carry.
        """
        found = self.page(page_id)
        if found is None:
            raise NotFound(f"no page {page_id}", "page.unknown")
        carried, page = found
        crew = self.roster.responders if self.roster else {}
        asked = crew.get(page.paged.responder_id)
        if said.device and (asked is None or asked.device_id != said.device):
            raise Refused(f"page {page_id} was not sent to {said.device}", "page.others")
        first = crew.get(carried.accepted_by or "")
        name = first.name if first else "somebody else"
        return answering.answer(carried, page, said, first=name, now=now)

    def alarms(self) -> list[AlarmKey]:
        """Return every alarm that is carried."""
        return list(self._by_alarm)

    def unused(self, roster: Roster) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the incident ids and page ids of a roster that nothing carries yet."""
        return (
            tuple(one for one in roster.incident_ids if one > self._last_incident_id),
            tuple(one for one in roster.page_ids if one > self._last_page_id),
        )

    def take(self, alarm: Alarm, *, now: datetime) -> list[Record]:
        """Return what an alarm makes happen: nothing when nobody would be paged for it.

        The rules decide as always, with no more known of the home than the roster tells. Raises
        `PermanentError` when the roster is missing or its ids are used up.
        """
        if alarm.key in self._by_alarm or alarm.household_id == SYNTHETIC:
            return []
        roster = self._roster()
        dwelling = roster.homes.get(alarm.household_id)
        if dwelling is None:
            raise PermanentError(f"no home {alarm.household_id} in the roster")
        home = Home(
            local=ranking.local_time(alarm.at, self._settings.timezone),
            high_risk=dwelling.high_risk,
        )
        to = decide(self._rules, alarm.type, alarm.at, home)
        if not isinstance(to, Opens):
            return []
        for carried in self.incidents.values():
            if carried.household_id == alarm.household_id and carried.raised.kind == to.kind:
                return [Joined(carried.raised.incident_id, alarm, now)]
        page = policy.paging(to.page, to.kind, alarm.household_id)
        if page == "never":
            return []
        grace_s = self._settings.operator_grace_s if page == "after_grace" else 0.0
        incident_ids, _ = self.unused(roster)
        if not incident_ids:
            raise PermanentError("the lifeline has no incident id left")
        return [
            Raised(
                incident_ids[0],
                to.kind,
                to.priority,
                to.rule,
                alarm,
                now,
                now + timedelta(seconds=grace_s),
            )
        ]

    def escalate(self, now: datetime) -> list[Record]:
        """Return whom one incident asks next, its time having come, the most urgent first.

        To be applied before it is called again; empty when nothing is due.
        """
        for carried in sorted(self.incidents.values(), key=lambda one: one.raised.priority):
            if carried.accepted_by is not None:
                continue
            steps = self._steps(carried)
            due = next((step for step in steps if self._due_at(carried, step) <= now), None)
            if due is not None and carried.pages:
                return self._step(carried, due, now)
            if carried.next_at > now:
                continue
            incident_id = carried.raised.incident_id
            if now < self._nobody_until.get(incident_id, now):
                continue
            paged = self._next(carried, now)
            if paged is not None:
                return [paged]
            self._nobody_until[incident_id] = now + timedelta(seconds=REPAGE_AFTER_S)
        return []

    def to_send(self, now: datetime) -> list[Due]:
        """Return what is due, pages before stand-downs, first pages of the urgent first."""
        due = [
            Due(carried, page, channel, message)
            for carried in self.incidents.values()
            for page in carried.pages.values()
            for message, channels in page.owed(accepted=carried.accepted_by is not None)
            for channel, attempts in channels.items()
            if attempts.next_at is not None and attempts.next_at <= now
        ]
        return sorted(
            due, key=lambda one: (one.message, one.carried.raised.priority, one.page.paged.page_id)
        )

    def apply(self, records: Iterable[Record]) -> None:
        """Let records take effect; those of kept answers have none here."""
        for record in records:
            if not isinstance(record, Kept | Entered):
                self._apply(record)

    def _apply(self, record: OfIncident) -> None:
        if isinstance(record, Began | Raised):
            self._last_incident_id = max(self._last_incident_id, record.incident_id)
        if isinstance(record, Began | Paged):
            self._last_page_id = max(self._last_page_id, record.page_id)
        if isinstance(record, Began):
            return
        if isinstance(record, Raised):
            carried = Carried(record, record.page_at, [record.alarm])
            self.incidents[record.incident_id] = carried
            self._by_alarm[record.alarm.key] = record.incident_id
        elif record.incident_id not in self.incidents:
            return  # a full disk took the line that raised it
        elif isinstance(record, Settled):
            settled = self.incidents.pop(record.incident_id)
            self._nobody_until.pop(record.incident_id, None)
            for alarm in settled.alarms:
                del self._by_alarm[alarm.key]
        else:
            happen(self.incidents[record.incident_id], record)
            if isinstance(record, Joined):
                self._by_alarm[record.alarm.key] = record.incident_id

    def _roster(self) -> Roster:
        if self.roster is None:
            raise PermanentError("the lifeline has no roster yet")
        return self.roster

    def _steps(self, carried: Carried) -> list[Step]:
        """Return the steps that are still to come, in order."""
        home = self._roster().homes.get(carried.household_id)
        found = self._rules.escalation.steps(carried.raised.priority, home.district if home else "")
        return [step for step in found if step.after_s > carried.stepped_s]

    @staticmethod
    def _due_at(carried: Carried, step: Step) -> datetime:
        return carried.raised.page_at + timedelta(seconds=step.after_s)

    def _step(self, carried: Carried, step: Step, now: datetime) -> list[Record]:
        round_, asked = self._round(carried)
        home = self._home(carried)
        chosen = (
            for_step(step, home, self._crew(), asked, now, self._settings.timezone) if home else []
        )
        stepped = Stepped(carried.raised.incident_id, step.after_s, now)
        _, page_ids = self.unused(self._roster())
        pages = [
            self._page(carried, one, page_id, round_, now)
            for one, page_id in zip(chosen, page_ids, strict=False)
        ]
        return [stepped, *pages]

    def _next(self, carried: Carried, now: datetime) -> Paged | None:
        """Return the page of the nearest who was not asked in this round; None: nobody is there."""
        round_, asked = self._round(carried)
        home = self._home(carried)
        _, page_ids = self.unused(self._roster())
        if home is None or not page_ids:
            return None  # the home was removed since: it waits for the database

        def ranked(already: set[str]) -> list[ranking.Ranked]:
            return ranking.rank(
                home,
                self._crew(),
                now,
                self._settings.timezone,
                already,
                whom=policy.whom(carried.raised.kind, carried.household_id),
            )

        found = ranked(asked)
        if not found:
            found = ranked(set())
            round_ += 1
        return self._page(carried, found[0], page_ids[0], round_, now) if found else None

    @staticmethod
    def _round(carried: Carried) -> tuple[int, set[str]]:
        """Return the round, and who was asked in it."""
        asked = [page.paged for page in carried.pages.values()]
        current = max((paged.round for paged in asked), default=1)
        return current, {paged.responder_id for paged in asked if paged.round == current}

    def _page(
        self, carried: Carried, to: ranking.Ranked, page_id: int, round_: int, now: datetime
    ) -> Paged:
        return Paged(
            carried.raised.incident_id,
            page_id,
            to.responder_id,
            round_,
            to.distance_m,
            channels_of(self._roster().responders[to.responder_id]),
            now,
            answer_by(self._settings.answer_within_s, round_, now, to.off_at),
        )

    def _home(self, carried: Carried) -> ranking.Home | None:
        home = self._roster().homes.get(carried.household_id)
        if home is None:
            return None
        at = ranking.Position(home.lat, home.lon)
        return ranking.Home(carried.household_id, at, home.district)

    def _crew(self) -> list[ranking.Responder]:
        return [
            ranking.Responder(
                one.responder_id,
                one.kind,
                ranking.Position(one.lat, one.lon),
                one.duty,
                one.district,
                frozenset(one.households),
            )
            for one in self._roster().responders.values()
        ]


def channels_of(responder: OnCall) -> tuple[str, ...]:
    """Return the names of the channels that reach a responder."""
    there = [name for name, address in ADDRESSES.items() if getattr(responder, address)]
    return tuple([one for one in responder.channels if one in there] or there)
