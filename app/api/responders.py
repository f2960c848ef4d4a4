"""`/v1/responders`: what everybody who can be sent is doing now."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from alerts.standing import Standing, Status, standings
from app.accounts.permissions import Right, permit
from app.api.desk import READS_HOME, DeskDep, TokenDep, authenticate, deciding, limited
from app.api.problems import responses

router = APIRouter(prefix="/v1/responders", tags=["service"])


class Seen(BaseModel):
    """Where somebody was last seen, while on the job."""

    lat: float
    lon: float
    accuracy_m: float
    at: AwareDatetime
    age_s: float


class ResponderNow(BaseModel):
    responder_id: str
    name: str
    kind: str
    district: str
    skills: list[str]
    status: Status = Field(description="busy: at a door; off: also ill or on leave")
    incident_id: int | None = Field(description="What they are asked for or work on")
    off_at: AwareDatetime | None = Field(description="When their duty ends, within two days")
    position: Seen | None


class ResponderNowList(BaseModel):
    items: list[ResponderNow]


@router.get(
    "",
    summary="Who is free, asked, on the way, busy, or away",
    dependencies=[READS_HOME],
    responses=responses(401, 403, 503),
)
def read(desk: DeskDep, token: TokenDep) -> ResponderNowList:
    now = desk.clock.now()
    with deciding(desk) as conn, limited(conn):
        who = authenticate(desk, conn, token)
        permit(who, Right.RESPONDERS)
        found = standings(conn, now=now, timezone=desk.settings.timezone)
    shown = [one for one in found if who.may_send(one.district)]
    return ResponderNowList(items=[_view(one, now.timestamp()) for one in shown])


def _view(one: Standing, now_s: float) -> ResponderNow:
    fix = one.fix
    seen = (
        None
        if fix is None
        else Seen(
            lat=fix.position.lat,
            lon=fix.position.lon,
            accuracy_m=fix.accuracy_m,
            at=fix.at,
            age_s=max(0.0, now_s - fix.at.timestamp()),
        )
    )
    return ResponderNow(
        responder_id=one.responder_id,
        name=one.name,
        kind=one.kind,
        district=one.district,
        skills=list(one.skills),
        status=one.status,
        incident_id=one.incident_id,
        off_at=one.off_at,
        position=seen,
    )
