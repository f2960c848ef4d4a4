"""What the API takes and gives about a home: standing, door, guardians, devices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from households.on_test import LONGEST_MINUTES, LONGEST_REASON

TEXT = r"^[^\x00]*$"  # PostgreSQL keeps every character but this one


class MyHome(BaseModel):
    household_id: str
    name: str
    rights: list[str] = Field(description="What I may do there", examples=[["events", "live"]])


class Me(BaseModel):
    user_id: str
    role: str
    homes: list[MyHome] = Field(description="Empty for those who run the service")


class DeviceNow(BaseModel):
    device_id: str
    kind: str
    online: bool | None = Field(description="null: never heard")
    battery_percent: int | None


class IncidentNow(BaseModel):
    """An incident as it goes, as its home may see it."""

    incident_id: int
    kind: str = Field(examples=["sos"])
    state: str = Field(examples=["en_route"])
    opened_at: datetime
    received_at: datetime = Field(description="When the service had it")
    closed_at: datetime | None
    responder: str | None = Field(description="Who comes; null: nobody has accepted yet")
    responder_kind: str | None
    accepted_at: datetime | None
    eta_s: float | None = Field(description="Seconds from acceptance to arrival, as expected then")
    departed_at: datetime | None
    arrived_at: datetime | None


class Standing(BaseModel):
    """How a home stands."""

    household_id: str
    as_of: datetime = Field(description="When this was read")
    mode: Literal["home", "away", "holiday"]
    mode_until: datetime | None
    devices: list[DeviceNow]
    last_heard_at: datetime | None = Field(description="Of any of its devices")
    last_event_at: datetime | None
    incident: IncidentNow | None = Field(
        description="The open incident that matters most, or one that ended within the hour"
    )


class SetMode(BaseModel):
    mode: Literal["home", "away", "holiday"]
    until: AwareDatetime | None = Field(default=None, description="null: until it is changed")


class Passage(BaseModel):
    """One thing that happened at the door."""

    at: datetime
    what: str = Field(description="came, went, rang, let_in, stayed or forced")
    who: str = Field(description="Whose key, as the lock names it; empty: unknown")
    method: str
    until: datetime | None = Field(description="When the door was shut, or who stayed had gone")


class DoorDay(BaseModel):
    day: date
    timezone: str
    items: list[Passage]


GuardianMay = Literal["look", "talk", "history", "alarms"]


class GuardianRights(BaseModel):
    rights: list[GuardianMay] = Field(max_length=4)


class NameGuardian(GuardianRights):
    name: str = Field(min_length=1, max_length=100, pattern=TEXT)
    user_id: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9._-]{1,39}$",
        description="Of somebody who looks after another home already; null: a new account",
    )
    relation: str = Field(default="", max_length=100, pattern=TEXT)
    phone: str = Field(default="", max_length=40, pattern=TEXT)


class Guardian(BaseModel):
    user_id: str = Field(description="Signs in under this")
    name: str
    relation: str
    phone: str
    rights: list[str]
    added_at: datetime
    added_by: str


class NewGuardian(Guardian):
    password: str | None = Field(description="Shown this once; null: the account was there before")


class GuardianList(BaseModel):
    items: list[Guardian]


class PutOnTest(BaseModel):
    minutes: int = Field(ge=1, le=LONGEST_MINUTES, examples=[90])
    reason: str = Field(
        min_length=1,
        max_length=LONGEST_REASON,
        pattern=TEXT,
        description="What is done there; operators read it",
        examples=["new battery of the button"],
    )


class OnTest(BaseModel):
    since: datetime
    until: datetime = Field(description="It ends by itself then")
    put_by: str
    reason: str


class HomeTest(BaseModel):
    household_id: str
    on_test: OnTest | None = Field(description="null: nobody works there")


class GiveCommand(BaseModel):
    """One command; `data` as docs/protocol.md has it."""

    type: str = Field(max_length=60, examples=["light.on"])
    data: dict[str, Any] = Field(default_factory=dict, examples=[{"for_s": 60}])
    reason: str = Field(
        default="", max_length=500, pattern=TEXT, description="Why; the home's people read it"
    )


class CommandDone(BaseModel):
    """The device has carried it out."""

    command_id: str
    data: dict[str, Any] = Field(description="What the device replied")
