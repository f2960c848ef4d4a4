"""A home as its people see it: how it stands and as it changes, the door's day, the mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from app.accounts.permissions import Right
from app.api import home_models
from app.api.acting import acting_at
from app.api.desk import (
    READS_HOME,
    Credential,
    Desk,
    DeskDep,
    TokenDep,
    admit,
    deciding,
    opened_home,
)
from app.api.home_feed import standing
from app.api.households import HomeId
from app.api.problems import responses
from core import sql
from core.database import Connection
from core.errors import DoorGuardError, NotFound, TemporaryError
from households.modes import Mode, set_mode
from households.passages import EVENTS, DoorEvent, passages

BEAT_S = 2.0
FOLLOWERS_AT_ONCE = 2000
_CHECK_EVERY = 15  # beats; whoever was removed sees no more after so many
_ERRORS = responses(401, 403, 404, 503)
_QUERIES = sql.load("app.api", "home.sql")

router = APIRouter(prefix="/v1/households/{id}", tags=["home"])


def _json(body: object) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")


def _reading(desk: Desk, conn: Connection, home: str) -> dict[str, Any]:
    found = standing(conn, [home], desk.clock.now())
    if not found:
        raise NotFound("no such home", "home.unknown")
    return found[0]


@router.get(
    "/now",
    summary="How the home stands",
    response_model=home_models.Standing,
    dependencies=[READS_HOME],
    responses=_ERRORS,
)
def now(desk: DeskDep, token: TokenDep, home: HomeId) -> Response:
    """Mode, devices, and the incident that matters most, with who comes and when."""
    with opened_home(desk, token, home, Right.HOME) as conn:
        reading = _reading(desk, conn, home)
    return _json(reading)


@router.get(
    "/changes",
    summary="How the home stands, as it changes (server-sent events)",
    response_class=StreamingResponse,
    responses=_ERRORS | {200: {"content": {"text/event-stream": {}}, "description": "Events"}},
)
async def changes(desk: DeskDep, token: TokenDep, home: HomeId) -> StreamingResponse:
    """Event `standing` as `GET …/now` has it, at once and with every change; event `beat` with
    `as_of` every two seconds, so that silence is noticed; event `ended` when the right is gone.
    """
    if desk.homes.followers >= FOLLOWERS_AT_ONCE:
        raise HTTPException(503, "too many pages are open", {"Retry-After": "5"})
    first = await asyncio.to_thread(_enter, desk, token, home)
    return StreamingResponse(
        _stream(desk, token, home, first),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _enter(desk: Desk, token: Credential, home: str) -> dict[str, Any]:
    with opened_home(desk, token, home, Right.HOME) as conn:
        return _reading(desk, conn, home)


def _still(desk: Desk, token: Credential, home: str) -> bool:
    """Say whether the right still holds; a database that is away is no reason to throw out."""
    try:
        with deciding(desk) as conn:
            admit(desk, conn, token, home, Right.HOME)
    except TemporaryError:
        return True
    except (DoorGuardError, HTTPException):
        return False
    return True


async def _stream(
    desk: Desk, token: Credential, home: str, reading: dict[str, Any]
) -> AsyncIterator[bytes]:
    follower = desk.homes.follow(home)
    try:
        yield _event("standing", reading)
        shown, beats = _without_time(reading), 0
        while True:
            newest = await follower.next(BEAT_S)
            if newest is not None:
                if _without_time(newest) != shown:
                    shown = _without_time(newest)
                    yield _event("standing", newest)
                else:
                    yield _event("beat", {"as_of": newest["as_of"]})
            beats += 1
            if beats % _CHECK_EVERY == 0 and not await asyncio.to_thread(_still, desk, token, home):
                yield _event("ended", {})
                return
    finally:
        desk.homes.leave(follower)


def _without_time(reading: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in reading.items() if name not in {"as_of", "last_heard_at"}
    }


def _event(name: str, body: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(body) + b"\n\n"


@router.get(
    "/door",
    summary="Who came and went through the door on a day",
    response_model=home_models.DoorDay,
    dependencies=[READS_HOME],
    responses=_ERRORS | responses(422),
)
def door(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    day: Annotated[date | None, Query(description="Local day; today without it")] = None,
) -> Response:
    """Nothing is claimed that lock and bell do not say: `went` is a door opened from inside."""
    zone = ZoneInfo(desk.settings.timezone)
    wanted = day or desk.clock.now().astimezone(zone).date()
    given = {"household_id": home, "types": list(EVENTS), **_span(wanted, zone)}
    with opened_home(desk, token, home, Right.EVENTS) as conn:
        rows = conn.execute(_QUERIES["door_events"], given).fetchall()
    lines = passages(DoorEvent(row["at"], row["type"], row["data"]) for row in rows)
    return _json({"day": wanted, "timezone": desk.settings.timezone, "items": lines})


def _span(day: date, zone: ZoneInfo) -> dict[str, datetime]:
    """Return the local day from midnight to midnight, in UTC."""
    begins = datetime.combine(day, time(), zone)
    ends = datetime.combine(day + timedelta(days=1), time(), zone)
    return {"since": begins.astimezone(UTC), "until": ends.astimezone(UTC)}


@router.put(
    "/mode",
    summary="At home, away, or on holiday",
    response_model=home_models.Standing,
    responses=_ERRORS | responses(400, 422),
)
def mode(desk: DeskDep, token: TokenDep, home: HomeId, given: home_models.SetMode) -> Response:
    """Falls back to `home` at `until`."""
    with acting_at(desk, token, home, Right.MODE) as acting:
        wanted, by = Mode(given.mode), acting.who.user_id
        set_mode(acting.conn, home, wanted, until=given.until, by=by, now=acting.now)
        acting.told["mode"] = given.mode
        reading = _reading(desk, acting.conn, home)
    return _json(reading)
