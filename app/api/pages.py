"""`/v1/pages/{token}`: a responder's answer. The token in the link is the secret; no bearer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from alerts import link_checks, pages, positions
from alerts.finding import FINDINGS, MOST_PHOTOS, Found, Photo, finish
from alerts.lifeline.records import Said
from alerts.links import channel_of
from alerts.pages import AnswerView
from app.api import models
from app.api.around import WayAround, of_page
from app.api.desk import Desk, DeskDep
from app.api.page_links import by_link, page_of
from app.api.problems import responses
from app.photo import MAX_BYTES, cleaned
from core.database import Connection
from core.errors import NotFound, PermanentError

_ERRORS = responses(403, 404, 409, 422, 503)
_ANSWERS = _ERRORS | {
    202: {
        "model": models.PageAnswer,
        "description": "The database is away: kept (`state` says so), and counts once it is back",
    }
}

MAX_FORM_BYTES = MOST_PHOTOS * MAX_BYTES + 64 * 1024
_DONE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["finding"],
                    "properties": {
                        "finding": {"type": "string", "enum": list(FINDINGS)},
                        "note": {"type": "string", "maxLength": 2000},
                        "photo": {
                            "type": "array",
                            "maxItems": MOST_PHOTOS,
                            "items": {"type": "string", "format": "binary"},
                        },
                    },
                }
            }
        },
    }
}

router = APIRouter(prefix="/v1/pages/{token}", tags=["responders"])


Key = Annotated[
    str | None,
    Query(pattern=link_checks.KEY.pattern, description="as the header `Idempotency-Key`"),
]
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=link_checks.KEY.pattern,
        description="New for each answer that a person gives: the same one again changes nothing.",
    ),
]


def _take(
    request: Request,
    desk: Desk,
    token: str,
    said: Callable[[int], Said],
    carry_out: Callable[[Connection, int], AnswerView],
) -> Response | models.PageAnswer:
    """Carry out an answer; a browser is sent back to its page, a program gets JSON.

    `said` gives, for a page, what the lifeline takes with the database away.
    """
    from_browser = "text/html" in request.headers.get("accept", "")

    def commit() -> AnswerView | None:
        with by_link(desk, request, token) as (conn, page_id):
            return carry_out(conn, page_id)

    def around_it(around: WayAround) -> AnswerView | None:
        page_id = page_of(desk, token)
        return around.answer(page_id, said(page_id))

    try:
        view = of_page(desk, commit, around_it)
    except NotFound:
        raise
    except PermanentError as error:
        if not from_browser:
            raise
        # to the page, which says why not, and what stands now
        return RedirectResponse(f"/page/{token}?refused={error.code or 'yes'}", 303)
    return _told(view, page_of(desk, token), token, from_browser=from_browser)


def _told(
    view: AnswerView | None, page_id: int, token: str, *, from_browser: bool
) -> Response | models.PageAnswer:
    """Say what stands; without a view the answer is kept, and counts once the database is back."""
    if from_browser:
        return RedirectResponse(f"/page/{token}" + ("" if view else "?kept=yes"), 303)
    if view is None:
        kept = models.PageAnswer(page_id=page_id, state="kept", incident_state="unknown")
        return JSONResponse(kept.model_dump(), 202)
    return models.PageAnswer(
        page_id=view.page_id,
        state=view.page_state.value,
        incident_state=view.incident_state.value,
    )


@router.post("/accept", summary="I am going", response_model=models.PageAnswer, responses=_ANSWERS)
def accept(
    request: Request, desk: DeskDep, token: str, header: KeyHeader = None, key: Key = None
) -> Response | models.PageAnswer:
    """The first to accept goes; whoever comes later gets 409 with the name of the first."""
    return _take(
        request,
        desk,
        token,
        lambda _page: Said("accept", channel=channel_of(token)),
        lambda conn, page: pages.answer(
            conn,
            page,
            accept=True,
            now=desk.clock.now(),
            settings=desk.settings,
            key=header or key,
            channel=channel_of(token),
        ),
    )


@router.post(
    "/decline", summary="I cannot go", response_model=models.PageAnswer, responses=_ANSWERS
)
def decline(
    request: Request, desk: DeskDep, token: str, header: KeyHeader = None, key: Key = None
) -> Response | models.PageAnswer:
    """The next responder is paged at once."""
    return _take(
        request,
        desk,
        token,
        lambda _page: Said("decline", channel=channel_of(token)),
        lambda conn, page: pages.answer(
            conn,
            page,
            accept=False,
            now=desk.clock.now(),
            settings=desk.settings,
            key=header or key,
            channel=channel_of(token),
        ),
    )


@router.post(
    "/departed", summary="I am on the way", response_model=models.PageAnswer, responses=_ANSWERS
)
def departed(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can be on the way."""
    return _take(
        request,
        desk,
        token,
        lambda _page: Said("depart"),
        lambda conn, page: pages.depart(conn, page, now=desk.clock.now()),
    )


@router.post(
    "/arrived", summary="I am at the door", response_model=models.PageAnswer, responses=_ANSWERS
)
def arrived(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can arrive; the 25-minute clock stops."""
    return _take(
        request,
        desk,
        token,
        lambda _page: Said("arrive"),
        lambda conn, page: pages.arrive(conn, page, now=desk.clock.now()),
    )


@router.get("", summary="Where the page stands", responses=responses(403, 404, 503))
def state(request: Request, desk: DeskDep, token: str) -> models.PageState:
    """For the page itself, which looks every few seconds; no address is in it."""

    def read() -> pages.PageView:
        with by_link(desk, request, token) as (conn, page_id):
            return pages.page_view(conn, page_id)

    page = of_page(desk, read, lambda around: around.look(page_of(desk, token), shown=False))
    return models.PageState(
        state=page.page_state.value,
        incident_state=page.incident_state.value,
        sharing=page.sharing_since is not None,
        over=page.over,
    )


@router.post(
    "/sharing",
    summary="Share my position while I am on the job",
    status_code=204,
    responses=_ERRORS,
)
def share(request: Request, desk: DeskDep, token: str) -> None:
    """The responder's consent; it ends with the job, or by DELETE."""
    with by_link(desk, request, token) as (conn, page_id):
        positions.share(conn, page_id, now=desk.clock.now())


@router.delete(
    "/sharing", summary="Share it no more", status_code=204, responses=responses(403, 404, 503)
)
def unshare(request: Request, desk: DeskDep, token: str) -> None:
    """What was shared is deleted."""
    with by_link(desk, request, token) as (conn, page_id):
        positions.unshare(conn, page_id)


@router.post("/position", summary="I am here", status_code=204, responses=_ERRORS | responses(422))
def position(request: Request, desk: DeskDep, token: str, here: models.Here) -> None:
    """409 when it is not shared, or the job is over: the telephone stops then."""
    with by_link(desk, request, token) as (conn, page_id):
        positions.note(
            conn,
            page_id,
            lat=here.lat,
            lon=here.lon,
            accuracy_m=here.accuracy_m,
            now=desk.clock.now(),
        )


@router.post(
    "/done",
    summary="I have left; this is what I found",
    response_model=models.PageAnswer,
    responses=_ANSWERS | responses(400, 411, 413),
    openapi_extra=_DONE_BODY,
)
async def done(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """A form with `finding`, and optionally `note` and up to three JPEG files `photo`."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411, "how long the form is must be told first")
    if int(length) > MAX_FORM_BYTES:
        raise HTTPException(413, f"at most {MAX_FORM_BYTES // 1024 // 1024} MiB with all photos")
    async with request.form(max_files=MOST_PHOTOS, max_fields=8) as form:
        uploads = [one for one in form.getlist("photo") if isinstance(one, UploadFile) and one.size]
        bodies = [await one.read() for one in uploads]
        finding, note = str(form.get("finding", "")), str(form.get("note", ""))
    return await run_in_threadpool(_done, request, desk, token, finding, note, bodies)


def _done(
    request: Request, desk: Desk, token: str, finding: str, note: str, bodies: list[bytes]
) -> Response | models.PageAnswer:
    def found(page_id: int) -> Found:
        Found(finding, note)  # nothing is kept for one that is refused
        return Found(finding, note, tuple(_keep(desk, page_id, body) for body in bodies))

    return _take(
        request,
        desk,
        token,
        lambda page_id: Said("done", found=found(page_id)),
        lambda conn, page_id: finish(conn, page_id, found(page_id), now=desk.clock.now()),
    )


def _keep(desk: Desk, page_id: int, body: bytes) -> Photo:
    picture = cleaned(body)
    sha256 = hashlib.sha256(picture).hexdigest()
    key = f"evidence/responders/{page_id}/{sha256}.jpg"
    desk.objects.put(key, picture)
    return Photo(key, sha256, len(picture))
