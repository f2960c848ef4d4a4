"""What the journal holds: one record a step, from which the lifeline's state follows."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from alerts.finding import Found
from core.catalogue import Source
from core.model import Event

# What a retry of a device repeats: device, source, `seq` and the time as the device told it.
AlarmKey: TypeAlias = tuple[str, str, int, datetime]
Word: TypeAlias = Literal["page", "stand_down"]
Answer: TypeAlias = Literal["accept", "decline", "depart", "arrive", "done"]


class Said(msgspec.Struct, frozen=True):
    """What a responder says of a page.

    `device` is the pager that it came from, "" for a link; `found` is told with `done` alone;
    `channel` is that of the delivery which brought it, None where that is not known.
    """

    answer: Answer
    device: str = ""
    found: Found | None = None
    channel: str | None = None


def key_of(event: Event) -> AlarmKey:
    """Return the key of the alarm that a row came from."""
    told_at = event.at if event.reported_at is None else event.reported_at
    return (event.device_id, str(event.source), event.seq, told_at)


class Alarm(msgspec.Struct, frozen=True):
    """An alarm as it came, with what is needed to store it as if the database had been there.

    `told_at` is the device's own time, `at` that by which it is dealt with; they differ when the
    device's clock is off.
    """

    household_id: str
    device_id: str
    source: Source
    seq: int
    type: str
    told_at: datetime
    at: datetime
    received_at: datetime
    data: bytes
    topic: str

    @property
    def key(self) -> AlarmKey:
        return (self.device_id, str(self.source), self.seq, self.told_at)


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A journal began; ids up to these were used by the one before."""

    incident_id: int
    page_id: int


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """An alarm opened an incident; the first page is due at `page_at`."""

    incident_id: int
    kind: str
    priority: int
    rule: str
    alarm: Alarm
    at: datetime
    page_at: datetime


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """Another alarm of the same home belongs to an incident that is carried already."""

    incident_id: int
    alarm: Alarm
    at: datetime


class Stepped(msgspec.Struct, frozen=True, tag="stepped"):
    """A step of the escalation was taken; whom it asked follows."""

    incident_id: int
    after_s: int
    at: datetime


class Paged(msgspec.Struct, frozen=True, tag="paged"):
    """A responder is asked; written before anything is sent."""

    incident_id: int
    page_id: int
    responder_id: str
    round: int
    distance_m: float
    channels: tuple[str, ...]
    at: datetime
    answer_by: datetime


class Tried(msgspec.Struct, frozen=True, tag="tried"):
    """One attempt by one channel; `again_at` is None when it was the last one.

    `message` is the page, or the word that its responder need not come.
    """

    incident_id: int
    page_id: int
    channel: str
    at: datetime
    error: str = ""
    again_at: datetime | None = None
    message: Word = "page"


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """A responder answered."""

    incident_id: int
    page_id: int
    answer: Answer
    at: datetime
    found: Found | None = None
    channel: str | None = None


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """A responder was shown the home; the access log is owed a line."""

    incident_id: int
    page_id: int
    at: datetime


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """A responder answered a page that stands in the database alone, which is away."""

    page_id: int
    answer: Answer
    at: datetime
    found: Found | None = None
    channel: str | None = None


class Entered(msgspec.Struct, frozen=True, tag="entered"):
    """The database has been told of a kept answer."""

    page_id: int
    at: datetime


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """The incident stands in the database, pages and all; it is no longer carried."""

    incident_id: int


OfIncident: TypeAlias = (
    Began | Raised | Joined | Stepped | Paged | Tried | Answered | Looked | Settled
)
Record: TypeAlias = OfIncident | Kept | Entered
