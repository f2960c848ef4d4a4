"""One incident that is carried without the database, and how each record changes it; pure."""

from __future__ import annotations

from collections.abc import Iterator
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
    Word,
)

Happening: TypeAlias = Joined | Stepped | Paged | Tried | Answered | Looked


@dataclass(slots=True)
class Attempts:
    """How one channel fares with one page; `next_at` is None when there is no more to do."""

    made: int = 0
    sent_at: datetime | None = None
    next_at: datetime | None = None
    error: str = ""

    @property
    def may_have_arrived(self) -> bool:
        """It was sent, or an attempt is not given up."""
        return self.made > 0 and (self.sent_at is not None or self.next_at is not None)


@dataclass(slots=True)
class CarriedPage:
    """One responder who was asked."""

    paged: Paged
    channels: dict[str, Attempts]
    state: PageState = PageState.SENT  # or what was answered
    departed: bool = False
    stand_downs: dict[str, Attempts] = field(default_factory=dict)  # by channel

    def owed(self, *, accepted: bool) -> Iterator[tuple[Word, dict[str, Attempts]]]:
        """Yield the messages that its responder is owed, with how they fare by channel."""
        if self.state is PageState.SENT and not accepted:
            yield "page", self.channels
        elif self.state is PageState.STOOD_DOWN and accepted:
            yield "stand_down", self.stand_downs

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


@dataclass(frozen=True, slots=True)
class Due:
    """One message that is to go out now, by one channel."""

    carried: Carried
    page: CarriedPage
    channel: str
    message: Word

    @property
    def key(self) -> tuple[int, str, Word]:
        """Return what no other message has."""
        return (self.page.paged.page_id, self.channel, self.message)


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
    by_channel = page.channels if record.message == "page" else page.stand_downs
    attempts = by_channel[record.channel]
    attempts.made += 1
    attempts.error, attempts.next_at = record.error, record.again_at
    if not record.error:
        attempts.sent_at = record.at
    if record.message == "stand_down":
        return
    if page.state is PageState.STOOD_DOWN and attempts.may_have_arrived:  # it was under way
        page.stand_downs.setdefault(record.channel, Attempts(next_at=record.at))
    if page.beyond_reach and record.page_id == max(carried.pages):
        carried.next_at = min(carried.next_at, record.at)  # nobody waits for a dead pager


def _answered(carried: Carried, record: Answered) -> None:
    """One that gives the job back has the next asked at once."""
    page = carried.pages[record.page_id]
    carried.answers.append(record)
    if record.answer == "accept":
        page.state, carried.accepted_by = PageState.ACCEPTED, page.paged.responder_id
        _stand_down(carried, record.at)
    elif record.answer == "done":
        page.state = PageState.DONE
    elif record.answer == "arrive":
        page.state = PageState.ARRIVED
    elif record.answer == "depart":
        page.departed = True
    else:
        withdrawn = page.state is PageState.ACCEPTED
        page.state, page.departed = PageState.DECLINED, False
        if withdrawn:
            carried.accepted_by = None
        if withdrawn or record.page_id == max(carried.pages):
            carried.next_at = min(carried.next_at, record.at)


def _stand_down(carried: Carried, at: datetime) -> None:
    """End all pages but those of whoever accepted; who may have one is told, by its last ways."""
    told: set[tuple[str, str]] = set()
    for _, page in sorted(carried.pages.items(), reverse=True):
        if page.state is not PageState.SENT:
            continue
        page.state = PageState.STOOD_DOWN
        who = page.paged.responder_id
        for channel, attempts in page.channels.items():
            if (
                who != carried.accepted_by
                and attempts.may_have_arrived
                and (who, channel) not in told
            ):
                told.add((who, channel))
                page.stand_downs.setdefault(channel, Attempts(next_at=at))
