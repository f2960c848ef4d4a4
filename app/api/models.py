"""What the API takes and gives; the descriptions stand in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, Field

from alerts.incidents import Outcome

_TEXT = r"^[^\x00]*$"  # PostgreSQL keeps every character but this one


@dataclass(frozen=True, slots=True)
class EventReceipt:
    """What became of an SOS given to `RaiseSos`.

    `event_at` is the time of the committed event, the first one's when `duplicate`.
    `incident_id` is None while the incident is not opened yet. With `mode` the database is away: it
    stands in a journal, and a responder is being paged.
    """

    event_at: datetime
    incident_id: int | None
    duplicate: bool
    mode: Literal["lifeline"] | None = None


class RaiseSos(Protocol):
    """Commit an SOS of a home: event and incident in one transaction; the same seq only once."""

    def __call__(self, household_id: str, actor: str, seq: int) -> EventReceipt: ...


class Event(BaseModel):
    """One thing that happened at the home."""

    at: datetime = Field(description="When it happened, UTC; its place in the history")
    type: str = Field(description="Event type of the catalogue", examples=["door.opened"])
    device_id: str
    seq: int = Field(description="With device and source the event's identity")
    source: str = Field(description="device, detector or backend")
    received_at: datetime = Field(description="When the service received it")
    reported_at: datetime | None = Field(
        default=None, description="What the device said, present only when its clock was off"
    )
    clock_off: bool = Field(description="The device's clock was off; `at` is the time of receipt")
    data: dict[str, Any] = Field(description="The device's own JSON object, untouched")


class EventPage(BaseModel):
    """A page of the history, newest first."""

    items: list[Event]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next, older page; null at the end"
    )


class Device(BaseModel):
    """A device that serves the home now."""

    device_id: str
    kind: str = Field(description="camera, button, app or synthetic")
    behind: str | None = Field(description="The device it connects through; null: none")
    online: bool | None = Field(description="null: never heard")
    last_heard_at: datetime | None
    battery_percent: int | None
    fw: str | None = Field(description="Firmware version")


class DeviceList(BaseModel):
    items: list[Device]


class TrackBox(BaseModel):
    """Where a track stands in a picture, in fractions of it."""

    track: int
    x: float
    y: float
    w: float
    h: float


class CasePicture(BaseModel):
    """One stored original; get it by its digest."""

    key: str
    sha256: str
    size_bytes: int
    captured_at: datetime = Field(description="By the camera's clock")
    infrared: bool
    moments: list[str] = Field(description="Why it is kept: entry, largest, alarm")
    boxes: list[TrackBox]


class Place(BaseModel):
    """Where the one this is about stood."""

    at: datetime
    x: float
    y: float
    w: float
    h: float


class Case(BaseModel):
    """What was kept of one stay at the door."""

    version: int
    device: str
    case: str
    event: str
    at: datetime
    since: datetime
    track: int = Field(description="The track this is about")
    threshold_s: float
    zone: str
    complete: bool = Field(description="false: cut short within five seconds of the alarm")
    masked: bool = Field(description="Parts of the pictures are black for privacy")
    missing: int = Field(description="Pictures that could not be stored")
    pictures: list[CasePicture]
    path: list[Place]


class SosReceipt(BaseModel):
    """The call for help is committed: a responder is being paged."""

    event_at: datetime = Field(description="When the call was first committed")
    incident_id: int | None = Field(description="null for a moment while the incident is opened")
    state: str = Field(description="State of the incident", examples=["dispatched"])
    mode: Literal["lifeline"] | None = Field(
        default=None,
        description="Set while the database is away: the call is kept in a journal, a responder is "
        "being paged, and the history shows it when the database is back",
    )


class View(BaseModel):
    """One look into the home."""

    at: datetime
    actor: str = Field(description="User, or responder:ID, or system")
    action: str = Field(description="What was looked at", examples=["events"])
    detail: dict[str, Any] = Field(description="The reason and what was asked for")


class ViewList(BaseModel):
    items: list[View]


class OwnIncident(BaseModel):
    """An incident as the people see it whose home it is."""

    incident_id: int
    kind: str = Field(examples=["sos"])
    state: str = Field(examples=["dispatched"])
    opened_at: datetime
    closed_at: datetime | None


class OwnIncidentList(BaseModel):
    items: list[OwnIncident]


class CodeWord(BaseModel):
    """The word agreed with the service; capitals and spaces make no difference."""

    word: str = Field(min_length=1, max_length=100, pattern=_TEXT)


class Cancelled(BaseModel):
    """The incident is cancelled."""

    incident_id: int
    state: str


class Incident(BaseModel):
    """An incident as an operator sees it."""

    incident_id: int
    household_id: str
    household_name: str
    address: str
    kind: str
    priority: int = Field(description="1 life safety, 2 intrusion, 3 attention, 4 technical")
    state: str = Field(examples=["dispatched"])
    level: int = Field(description="Validation level of AVS-01, 0 to 4")
    level_reasons: list[str] = Field(description="What it follows from", examples=[["called"]])
    level_set_why: str = Field(description="Why an operator set it; empty: none did")
    opened_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    arrived_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    closing_note: str


class SetLevel(BaseModel):
    level: int = Field(ge=0, le=4)
    why: str = Field(min_length=1, max_length=2000, pattern=_TEXT)


class CloseIncident(BaseModel):
    """`cause` goes with `false_alarm`, `duplicate_of` with `duplicate`; closed: it was genuine."""

    disposition: Outcome
    note: str = Field(default="", max_length=2000, pattern=_TEXT)
    cause: str | None = Field(
        default=None,
        description="resident, visitor, animal, surroundings, device or unknown",
    )
    duplicate_of: int | None = None


class Reopen(BaseModel):
    why: str = Field(min_length=1, max_length=2000, pattern=_TEXT)


class PageAnswer(BaseModel):
    """Where the page stands after the answer."""

    page_id: int
    state: str = Field(description="State of the page", examples=["accepted"])
    incident_state: str = Field(description="State of the incident", examples=["accepted"])


class PageState(BaseModel):
    """Where the page stands, for the page itself."""

    state: str = Field(examples=["accepted"])
    incident_state: str = Field(examples=["en_route"])
    sharing: bool = Field(description="The responder shares their position")
    over: bool = Field(description="There is nothing more to do by this page")


class Here(BaseModel):
    """Where a telephone is."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    accuracy_m: float = Field(ge=0, le=10_000)


class StepFigure(BaseModel):
    """Seconds from the press to a step, over `n` incidents; null: not told apart by it."""

    kind: str | None
    district: str | None
    month: str | None = Field(description="Local month", examples=["2026-11"])
    step: str = Field(description="commit, acknowledge, page, accept, arrive or close")
    n: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


class NormFigure(BaseModel):
    """How often a norm was kept; time counts from when the service had the alarm."""

    source: str = Field(examples=["EN 50518 hold-up"])
    step: str
    kinds: list[str]
    within_s: int
    asked: float = Field(description="Share that the norm asks for")
    n: int = Field(description="Incidents it applied to")
    kept: int
    share: float | None = Field(description="null: nothing to count yet")
    met: bool | None


class FalseFigure(BaseModel):
    """`n` of `closed` incidents were false alarms of one cause."""

    kind: str | None
    district: str | None
    month: str | None
    cause: str
    n: int
    closed: int


class Figures(BaseModel):
    """Times, norms and false alarms of one span of time."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    steps: list[StepFigure]
    norms: list[NormFigure]
    false_alarms: list[FalseFigure]


class Problem(BaseModel):
    """An error, as RFC 9457 has it (`application/problem+json`)."""

    type: str = Field(examples=["urn:doorguard:problem:not-found"])
    title: str
    status: int
    detail: str = ""
    code: str = Field(
        "",
        examples=["incident.over"],
        description="The reason by a name that stays, where a person may read it; not always there",
    )
