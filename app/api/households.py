"""`/v1/households/{id}`: what happened at a home, its devices, its evidence, its call for help."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Annotated

import anyio.to_thread
import msgspec
from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import AwareDatetime, StringConstraints

from app.accounts.permissions import Right
from app.api import cursors, models
from app.api.around import WayAround, in_time
from app.api.desk import (
    READS_HOME,
    Credential,
    Desk,
    DeskDep,
    TokenDep,
    caller,
    caller_around,
    fetch_all,
    incident_state,
    opened_home,
)
from app.api.problems import responses
from app.evidence.reading import read_picture
from core.errors import DatabaseAway, NotFound
from core.telemetry import logger

MAX_PAGE = 500
EVIDENCE_KEPT = timedelta(days=400)  # a year, and time to ask about its first days
_log = logger(__name__)

HomeId = Annotated[
    str,
    Path(alias="id", max_length=100, pattern=r"^[^\x00]*$", description="The household's id"),
]
EventTypeName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_.]+$")]
_ERRORS = responses(401, 403, 404, 503)

router = APIRouter(prefix="/v1/households/{id}", tags=["households"])


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


@router.get(
    "/events",
    summary="The history of the home, newest first",
    response_model=models.EventPage,
    dependencies=[READS_HOME],
    responses=_ERRORS | responses(400, 422),
)
def events(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    from_at: Annotated[
        AwareDatetime | None, Query(alias="from", description="First instant, RFC 3339 with offset")
    ] = None,
    to_at: Annotated[
        AwareDatetime | None, Query(alias="to", description="The instant after the last")
    ] = None,
    types: Annotated[
        list[EventTypeName] | None,
        Query(alias="type", max_length=64, description="Event type; repeat it for several"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[
        str | None, Query(max_length=400, description="`next_cursor` of the page before")
    ] = None,
) -> Response:
    after = cursors.decode(cursor) if cursor else None
    given = {
        "household_id": home,
        "from_at": from_at,
        "to_at": to_at,
        "types": types or None,
        "cursor_at": after.at if after else None,
        "cursor_device": after.device_id if after else None,
        "cursor_seq": after.seq if after else None,
        "cursor_source": after.source if after else None,
        "limit": limit + 1,  # one more tells whether there is a next page
    }
    with opened_home(desk, token, home, Right.EVENTS) as conn:
        rows = fetch_all(conn, "events", given)
    more, rows = len(rows) > limit, rows[:limit]
    for row in rows:
        row["data"] = msgspec.Raw(row["data"])  # as the device wrote it
        if row["reported_at"] is None:
            del row["reported_at"]
    end = rows[-1] if more else None
    return _json(
        {
            "items": rows,
            "next_cursor": cursors.encode(
                cursors.Cursor(end["at"], end["device_id"], end["seq"], end["source"])
            )
            if end
            else None,
        }
    )


@router.get(
    "/devices",
    summary="The devices that serve the home now",
    response_model=models.DeviceList,
    dependencies=[READS_HOME],
    responses=_ERRORS,
)
def devices(desk: DeskDep, token: TokenDep, home: HomeId) -> Response:
    with opened_home(desk, token, home, Right.DEVICES) as conn:
        rows = fetch_all(conn, "devices", {"household_id": home, "now": desk.clock.now()})
    return _json({"items": rows})


def sos_seq(household_id: str, actor: str, key: str) -> int:
    """Return the 63-bit sequence number of a call: the same key, the same call."""
    digest = hashlib.sha256(f"{household_id}\0{actor}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@router.post(
    "/sos",
    summary="Call for help",
    status_code=201,
    response_model=models.SosReceipt,
    responses=_ERRORS
    | {200: {"description": "This call was already committed", "model": models.SosReceipt}},
)
async def sos(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="Made once per press by the caller and repeated with every retry of it. "
            "Without one every request is a call of its own; it joins the open incident.",
        ),
    ] = None,
) -> Response:
    """Answered when the call is committed and a responder is being paged. Repeat until then.

    With the database away it is kept in a journal instead: the answer then says `mode: lifeline`.
    """
    key = idempotency_key or secrets.token_hex(16)
    return await anyio.to_thread.run_sync(_call, desk, token, home, key, limiter=desk.calls)


def _call(desk: Desk, token: Credential, home: str, key: str) -> Response:
    def commit() -> Response:
        who = caller(desk, token, home)
        receipt = desk.raise_sos(home, who.user_id, sos_seq(home, who.user_id, key))
        return _receipt(receipt, _state(desk, receipt))

    def carry(around: WayAround) -> Response:
        who = caller_around(around, token, home)
        receipt = around.carry_sos(home, who.user_id, sos_seq(home, who.user_id, key))
        return _receipt(receipt, "raised")

    return in_time(desk, commit, carry)


def _receipt(receipt: models.EventReceipt, state: str) -> Response:
    body = {
        "event_at": receipt.event_at,
        "incident_id": receipt.incident_id,
        "state": state,
    }
    if receipt.mode:
        body["mode"] = receipt.mode
    return _json(body, 200 if receipt.duplicate else 201)


def _state(desk: DeskDep, receipt: models.EventReceipt) -> str:
    """Return the incident's state; the call is committed whatever becomes of this question."""
    if receipt.incident_id is None:
        return "raised"
    try:
        with desk.for_calls.transaction() as conn:
            return incident_state(conn, receipt.incident_id)
    except DatabaseAway as error:
        _log.warning("state of a committed call not read", error=str(error))
        return "raised"


@router.get(
    "/evidence/{sha256}",
    summary="A picture that a detector kept as evidence",
    response_class=Response,
    dependencies=[READS_HOME],
    responses=_ERRORS | {200: {"content": {"image/jpeg": {}}, "description": "The JPEG"}},
)
def evidence(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Digest, lower-case hex")],
) -> Response:
    """The bytes are checked against the digest before they are given."""
    with opened_home(desk, token, home, Right.EVIDENCE) as conn:
        given = {"household_id": home, "sha256": sha256, "since": desk.clock.now() - EVIDENCE_KEPT}
        rows = fetch_all(conn, "evidence", given)
        if not rows:
            raise NotFound("no such evidence of this home", "evidence.unknown")
    return picture(desk, rows[0]["key"], sha256)


def picture(desk: DeskDep, key: str, sha256: str) -> Response:
    """Return the stored JPEG; raise `NotFound`, or `PermanentError` when it is not what it was."""
    body = read_picture(desk.objects, key, sha256)
    return Response(body, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@router.get(
    "/views",
    summary="Who looked at my home, newest first",
    response_model=models.ViewList,
    dependencies=[READS_HOME],
    responses=_ERRORS | responses(422),
)
def views(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> Response:
    with opened_home(desk, token, home, Right.VIEWS) as conn:
        rows = fetch_all(conn, "views", {"household_id": home, "limit": limit})
    return _json({"items": rows})
