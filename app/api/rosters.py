"""`/v1/rosters`: who is on duty when, for those who send people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from alerts.roster_week import Week, monday_of, week
from alerts.shifts import ChangeKind, zone_of
from app.accounts.permissions import Right, permit
from app.accounts.principal import Principal
from app.api.desk import READS_HOME, DeskDep, TokenDep, authenticate, deciding, limited
from app.api.problems import responses

router = APIRouter(prefix="/v1/rosters", tags=["service"])
_PRIVATE = frozenset({ChangeKind.SICK, ChangeKind.LEAVE})


class Period(BaseModel):
    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime | None = Field(alias="to", description="null: until they are back")


class ChangePeriod(Period):
    kind: str = Field(description="cover, covered, break, or away: why is not told")


class Person(BaseModel):
    responder_id: str
    name: str
    kind: str = Field(examples=["guard"])
    district: str
    always: bool = Field(description="Around the clock, but for the changes")
    on_duty: bool = Field(description="At this moment")
    periods: list[Period] = Field(description="When they are on duty, in order")
    changes: list[ChangePeriod]


class Night(BaseModel):
    district: str
    day: date
    guards: int = Field(description="So many are there all night; four to a zone are asked for")


class Roster(BaseModel):
    """A week of the roster."""

    first_day: date = Field(description="A Monday, local")
    timezone: str
    people: list[Person]
    short: list[Night] = Field(description="Patrol nights on which a zone lacks guards")


def seen_by(found: Week, who: Principal) -> Week:
    """Return what of the week is about those whom somebody of a district may send."""
    return replace(
        found,
        people=[one for one in found.people if who.may_send(one.district)],
        short=[night for night in found.short if who.may_send(night.district)],
    )


def as_json(found: Week) -> Roster:
    """Return what the API and the command line give.

    Whether somebody is ill or on leave is theirs to tell: both are `away`.
    """
    return Roster.model_validate(
        {
            "first_day": found.first_day,
            "timezone": found.timezone,
            "people": [
                {
                    "responder_id": one.responder_id,
                    "name": one.name,
                    "kind": one.kind,
                    "district": one.district,
                    "always": one.always,
                    "on_duty": one.on_duty,
                    "periods": [{"from": begin, "to": end} for begin, end in one.periods],
                    "changes": [
                        {
                            "kind": "away" if change.kind in _PRIVATE else change.kind.value,
                            "from": change.start,
                            "to": change.end,
                        }
                        for change in one.changes
                    ],
                }
                for one in found.people
            ],
            "short": [
                {"district": night.district, "day": night.day, "guards": night.guards}
                for night in found.short
            ],
        }
    )


@router.get(
    "",
    summary="A week of the roster, Monday to Sunday",
    dependencies=[READS_HOME],
    responses=responses(401, 403, 422, 503),
)
def read(
    desk: DeskDep,
    token: TokenDep,
    day: Annotated[date | None, Query(description="A day of the week; today")] = None,
) -> Roster:
    """Of the caller's district, and of those who serve all."""
    now, timezone = desk.clock.now(), desk.settings.timezone
    first = monday_of(day or now.astimezone(zone_of(timezone)).date())
    with deciding(desk) as conn, limited(conn):
        who = authenticate(desk, conn, token)
        permit(who, Right.RESPONDERS)
        return as_json(seen_by(week(conn, first, timezone=timezone, now=now), who))
