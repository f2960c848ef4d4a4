"""`/v1/pages/{token}`: a responder's answer. The token in the link is the secret; no bearer."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from alerts import pages
from alerts.links import read_token
from alerts.pages import AnswerView
from app.api import models
from app.api.desk import Desk, DeskDep
from app.api.problems import responses
from core.database import Connection
from core.errors import Conflict, NotFound, Refused

_ERRORS = responses(404, 409, 503)

router = APIRouter(prefix="/v1/pages/{token}", tags=["responders"])


def page_of(desk: Desk, token: str) -> int:
    """Return the page id of a link; a link that is not ours is simply not there."""
    try:
        return read_token(desk.settings.service_key, token)
    except Refused as error:
        raise NotFound(str(error)) from None


def _take(
    request: Request, desk: Desk, token: str, carry_out: Callable[[Connection, int], AnswerView]
) -> Response | models.PageAnswer:
    """Carry out an answer; a browser is sent back to its page, a program gets JSON."""
    page_id = page_of(desk, token)
    from_browser = "text/html" in request.headers.get("accept", "")
    try:
        with desk.database.transaction() as conn:
            view = carry_out(conn, page_id)
    except Conflict:
        if not from_browser:
            raise
    else:
        if not from_browser:
            return models.PageAnswer(
                page_id=view.page_id,
                state=view.page_state.value,
                incident_state=view.incident_state.value,
            )
    return RedirectResponse(f"/page/{token}", 303)  # which says what stands now


@router.post("/accept", summary="I am going", response_model=models.PageAnswer, responses=_ERRORS)
def accept(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """The first to accept goes; whoever comes later gets 409 with the name of the first."""
    return _take(
        request,
        desk,
        token,
        lambda conn, page: pages.answer(
            conn, page, accept=True, now=desk.clock.now(), settings=desk.settings
        ),
    )


@router.post("/decline", summary="I cannot go", response_model=models.PageAnswer, responses=_ERRORS)
def decline(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """The next responder is paged at once."""
    return _take(
        request,
        desk,
        token,
        lambda conn, page: pages.answer(
            conn, page, accept=False, now=desk.clock.now(), settings=desk.settings
        ),
    )


@router.post(
    "/departed", summary="I am on the way", response_model=models.PageAnswer, responses=_ERRORS
)
def departed(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can be on the way."""
    return _take(
        request, desk, token, lambda conn, page: pages.depart(conn, page, now=desk.clock.now())
    )


@router.post(
    "/arrived", summary="I am at the door", response_model=models.PageAnswer, responses=_ERRORS
)
def arrived(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can arrive; the 25-minute clock stops."""
    return _take(
        request, desk, token, lambda conn, page: pages.arrive(conn, page, now=desk.clock.now())
    )
