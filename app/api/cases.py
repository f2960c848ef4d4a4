"""`/v1/households/{id}/cases`: what was kept of a stay at the door."""

from __future__ import annotations

import threading
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response
from starlette.exceptions import HTTPException

from app.accounts.permissions import Right
from app.api import models
from app.api.desk import READS_HOME, Credential, Desk, DeskDep, TokenDep, fetch_all, opened_home
from app.api.households import EVIDENCE_KEPT, HomeId
from app.api.problems import responses
from app.evidence.drawing import annotated_jpeg
from app.evidence.film import film
from app.evidence.reading import picture_of, read_manifest, read_picture
from core.errors import NotFound
from core.evidence import CASE, Manifest

_PRIVATE = {"Cache-Control": "private, no-store"}
_FILMS = threading.BoundedSemaphore(1)  # a film costs CPU that an alarm may need
_ERRORS = responses(401, 403, 404, 503)

DeviceId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{3,39}$", description="The camera")]
CaseId = Annotated[
    str, Path(pattern=f"^{CASE.pattern}$", description="`data.case` of the loitering finding")
]

router = APIRouter(prefix="/v1/households/{id}/cases/{device}/{case}", tags=["households"])


@router.get(
    "",
    summary="What was kept of a stay: pictures, boxes, the way taken",
    response_model=models.Case,
    dependencies=[READS_HOME],
    responses=_ERRORS,
)
def manifest(
    desk: DeskDep, token: TokenDep, home: HomeId, device: DeviceId, case: CaseId
) -> Response:
    """404 until the seconds after the alarm have been stored, some ten seconds after it."""
    found = _opened(desk, token, home, device, case)
    return Response(msgspec.json.encode(found), media_type="application/json", headers=_PRIVATE)


@router.get(
    "/pictures/{sha256}",
    summary="One picture of the case, as the camera sent it or drawn on",
    response_class=Response,
    dependencies=[READS_HOME],
    responses=_ERRORS | {200: {"content": {"image/jpeg": {}}, "description": "The JPEG"}},
)
def picture(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    device: DeviceId,
    case: CaseId,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Digest, lower-case hex")],
    annotated: Annotated[bool, Query(description="Draw the boxes and the time on a copy")] = False,
) -> Response:
    found = _opened(desk, token, home, device, case)
    one = picture_of(found, sha256)
    body = read_picture(desk.objects, one.key, one.sha256)
    if annotated:
        body = annotated_jpeg(body, one, found.track, desk.settings.timezone)
    return Response(body, media_type="image/jpeg", headers=_PRIVATE)


@router.get(
    "/film.mp4",
    summary="The case as a short film (MPEG-4 Part 2)",
    response_class=Response,
    dependencies=[READS_HOME],
    responses=_ERRORS | {200: {"content": {"video/mp4": {}}, "description": "The film"}},
)
def as_film(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    device: DeviceId,
    case: CaseId,
    boxes: Annotated[bool, Query(description="Draw boxes and time on it")] = True,
) -> Response:
    """One at a time in the whole process; the others are asked to try again."""
    found = _opened(desk, token, home, device, case)
    if not _FILMS.acquire(blocking=False):
        raise HTTPException(503, "another film is being made; try again", {"Retry-After": "2"})
    try:
        body = film(desk.objects, found, timezone=desk.settings.timezone, boxes=boxes)
    finally:
        _FILMS.release()
    name = f'attachment; filename="{device}-{case}.mp4"'
    headers = {**_PRIVATE, "Content-Disposition": name}
    return Response(body, media_type="video/mp4", headers=headers)


def _opened(desk: Desk, token: Credential, home: str, device: str, case: str) -> Manifest:
    """Return the manifest to who may see it; the look is logged whether or not it is there."""
    with opened_home(desk, token, home, Right.EVIDENCE) as conn:
        since = desk.clock.now() - EVIDENCE_KEPT
        given = {"household_id": home, "device_id": device, "case": case, "since": since}
        if not fetch_all(conn, "case", given):
            raise NotFound("no such case of this home", "evidence.unknown")
    return read_manifest(desk.objects, device, case, desk.settings.service_key)
