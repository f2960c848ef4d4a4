"""What the API takes and gives about a home's silence, contacts, and what a device is behind."""

from __future__ import annotations

from datetime import datetime, time
from typing import Literal

from pydantic import BaseModel, Field

from app.api.home_models import TEXT
from households.care import LONGEST_H, CareRule
from households.contacts import MAX_ADDRESS

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class Care(BaseModel):
    """When somebody asks how a resident is. Waking time is local and may cross midnight."""

    silent_after_h: int = Field(
        ge=1, le=LONGEST_H, description="Waking hours without a sign of life", examples=[24]
    )
    waking_from: str = Field(default="07:00", pattern=_CLOCK)
    waking_to: str = Field(default="22:00", pattern=_CLOCK)

    def rule(self) -> CareRule:
        """Return the rule; raise `PermanentError` for a waking time of no length."""
        begins, ends = map(time.fromisoformat, (self.waking_from, self.waking_to))
        return CareRule(self.silent_after_h, begins, ends)


class CareAgreed(BaseModel):
    rule: Care | None = Field(description="null: nobody asks after this home")


def care_of(rule: CareRule | None) -> CareAgreed:
    """Return what was agreed with a home as the API tells it."""
    if rule is None:
        return CareAgreed(rule=None)
    begins, ends = (f"{at:%H:%M}" for at in (rule.waking_from, rule.waking_to))
    given = Care(silent_after_h=rule.silent_after_h, waking_from=begins, waking_to=ends)
    return CareAgreed(rule=given)


def told(rule: CareRule) -> dict[str, str | int | bool | None]:
    """Return a rule as the access log has it."""
    waking = f"{rule.waking_from:%H:%M}-{rule.waking_to:%H:%M}"
    return {"silent_after_h": rule.silent_after_h, "waking": waking}


class NameContact(BaseModel):
    """Somebody with one way to reach them: `webhook_url`, or `apprise_url`."""

    name: str = Field(min_length=1, max_length=100, pattern=TEXT)
    webhook_url: str | None = Field(default=None, max_length=MAX_ADDRESS, pattern=TEXT)
    apprise_url: str | None = Field(default=None, max_length=MAX_ADDRESS, pattern=TEXT)


class Contact(BaseModel):
    """Addresses are not told: many hold a key."""

    contact_id: int
    name: str
    channel: Literal["webhook", "apprise"]
    added_at: datetime


class NewContact(BaseModel):
    contact_id: int
    webhook_secret: str | None = Field(
        description="Signs what the webhook gets; shown this once. null: no webhook"
    )


class ContactList(BaseModel):
    items: list[Contact]


class Behind(BaseModel):
    """The device that another connects through: while it is silent, both are."""

    gateway: str = Field(pattern="^[a-z0-9][a-z0-9-]{3,39}$", examples=["camera-home-1"])
