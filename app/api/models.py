"""What the API takes and gives; the descriptions stand in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, Field


@dataclass(frozen=True, slots=True)
class EventReceipt:
    """What became of an SOS given to `RaiseSos`.

    `event_at` is the time of the committed event, the first one's when `duplicate`.
    `incident_id` is None while the incident is not opened yet.
    """

    event_at: datetime
    incident_id: int | None
    duplicate: bool


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
    online: bool | None = Field(description="null: never heard")
    last_heard_at: datetime | None
    battery_percent: int | None
    fw: str | None = Field(description="Firmware version")


class DeviceList(BaseModel):
    items: list[Device]


class SosReceipt(BaseModel):
    """The call for help is committed: a responder is being paged."""

    event_at: datetime = Field(description="When the call was first committed")
    incident_id: int | None = Field(description="null for a moment while the incident is opened")
    state: str = Field(description="State of the incident", examples=["dispatched"])


class View(BaseModel):
    """One look into the home."""

    at: datetime
    actor: str = Field(description="User, or responder:ID, or system")
    action: str = Field(description="What was looked at", examples=["events"])
    detail: dict[str, Any] = Field(description="The reason and what was asked for")


class ViewList(BaseModel):
    items: list[View]


class PageAnswer(BaseModel):
    """Where the page stands after the answer."""

    page_id: int
    state: str = Field(description="State of the page", examples=["accepted"])
    incident_state: str = Field(description="State of the incident", examples=["en_route"])


class Problem(BaseModel):
    """An error, as RFC 9457 has it (`application/problem+json`)."""

    type: str = Field(examples=["urn:doorguard:problem:not-found"])
    title: str
    status: int
    detail: str = ""
