"""One incident that is carried without the database, and how each record changes it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from alerts.lifecycle import PageState
from alerts.lifeline.records import (
    Alarm,
    Answered,
    Joined,
    Looked,
    Paged,
    Raised,
    Stepped,
    Tried,
)

Happening: TypeAlias = Joined | Stepped | Paged | Tried | Answered | Looked


@dataclass(slots=True)
class Attempts:
    """How one channel fares with one page; `next_at` is None when there is no more to do."""

    made: int = 0
    sent_at: datetime | None = None
    next_at: datetime | None = None
    error: str = ""


@dataclass(slots=True)
class CarriedPage:
    """One responder who was asked."""

    paged: Paged
    channels: dict[str, Attempts]
    state: PageState = PageState.SENT  # or what was answered
    departed: bool = False

    @property
    def beyond_reach(self) -> bool:
        """Every channel has given up without having sent anything."""
        return all(one.sent_at is None and one.next_at is None for one in self.channels.values())


@dataclass(slots=True)
class Carried:
    """One incident; `next_at` is when somebody else is asked."""

    raised: Raised
    next_at: datetime
    alarms: list[Alarm] = field(default_factory=list)
    pages: dict[int, CarriedPage] = field(default_factory=dict)
    stepped_s: int = 0  # the last step that was taken
    accepted_by: str | None = None  # the responder who goes: nobody else is asked
    answers: list[Answered] = field(default_factory=list)
    looks: list[Looked] = field(default_factory=list)

    @property
    def household_id(self) -> str:
        return self.raised.alarm.household_id


def happen(carried: Carried, record: Happening) -> None:
    """Let a record of this incident take effect."""
    if isinstance(record, Joined):
        carried.alarms.append(record.alarm)
    elif isinstance(record, Stepped):
        carried.stepped_s = record.after_s
    elif isinstance(record, Paged):
        channels = {name: Attempts(next_at=record.at) for name in record.channels}
        carried.pages[record.page_id] = CarriedPage(record, channels)
        carried.next_at = record.answer_by
    elif isinstance(record, Tried):
        _tried(carried, record)
    elif isinstance(record, Answered):
        _answered(carried, record)
    else:
        carried.looks.append(record)


def _tried(carried: Carried, record: Tried) -> None:
    page = carried.pages[record.page_id]
    attempts = page.channels[record.channel]
    attempts.made += 1
    attempts.error, attempts.next_at = record.error, record.again_at
    if not record.error:
        attempts.sent_at = record.at
    if page.beyond_reach and record.page_id == max(carried.pages):
        carried.next_at = min(carried.next_at, record.at)  # nobody waits for a dead pager


def _answered(carried: Carried, record: Answered) -> None:
    """One that gives the job back has the next asked at once."""
    page = carried.pages[record.page_id]
    carried.answers.append(record)
    if record.answer == "accept":
        page.state, carried.accepted_by = PageState.ACCEPTED, page.paged.responder_id
    elif record.answer == "arrive":
        page.state = PageState.ARRIVED
    elif record.answer == "depart":
        page.departed = True
    else:
        withdrawn = page.state is PageState.ACCEPTED
        page.state = PageState.DECLINED
        if withdrawn:
            carried.accepted_by = None
        if withdrawn or record.page_id == max(carried.pages):
            carried.next_at = min(carried.next_at, record.at)
