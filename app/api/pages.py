"""`/v1/pages/{token}`: a responder's answer. The token in the link is the secret; no bearer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import RedirectResponse

from alerts import link_checks, pages
from alerts.lifeline.records import Answer
from alerts.pages import AnswerView
from app.api import models
from app.api.desk import Desk, DeskDep, in_time
from app.api.page_links import by_link, page_of
from app.api.problems import responses
from core.database import Connection
from core.errors import Conflict

_ERRORS = responses(403, 404, 409, 422, 503)

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
    given: Answer,
    carry_out: Callable[[Connection, int], AnswerView],
) -> Response | models.PageAnswer:
    """Carry out an answer; a browser is sent back to its page, a program gets JSON."""
    from_browser = "text/html" in request.headers.get("accept", "")

    def commit() -> AnswerView:
        with by_link(desk, token) as (conn, page_id):
            return carry_out(conn, page_id)

    try:
        view = in_time(desk, commit, lambda around: around.answer(page_of(desk, token), given))
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
def accept(
    request: Request, desk: DeskDep, token: str, header: KeyHeader = None, key: Key = None
) -> Response | models.PageAnswer:
    """The first to accept goes; whoever comes later gets 409 with the name of the first."""
    return _take(
        request,
        desk,
        token,
        "accept",
        lambda conn, page: pages.answer(
            conn,
            page,
            accept=True,
            now=desk.clock.now(),
            settings=desk.settings,
            key=header or key,
        ),
    )


@router.post("/decline", summary="I cannot go", response_model=models.PageAnswer, responses=_ERRORS)
def decline(
    request: Request, desk: DeskDep, token: str, header: KeyHeader = None, key: Key = None
) -> Response | models.PageAnswer:
    """The next responder is paged at once."""
    return _take(
        request,
        desk,
        token,
        "decline",
        lambda conn, page: pages.answer(
            conn,
            page,
            accept=False,
            now=desk.clock.now(),
            settings=desk.settings,
            key=header or key,
        ),
    )


@router.post(
    "/departed", summary="I am on the way", response_model=models.PageAnswer, responses=_ERRORS
)
def departed(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can be on the way."""
    return _take(
        request,
        desk,
        token,
        "depart",
        lambda conn, page: pages.depart(conn, page, now=desk.clock.now()),
    )


@router.post(
    "/arrived", summary="I am at the door", response_model=models.PageAnswer, responses=_ERRORS
)
def arrived(request: Request, desk: DeskDep, token: str) -> Response | models.PageAnswer:
    """Only who has accepted can arrive; the 25-minute clock stops."""
    return _take(
        request,
        desk,
        token,
        "arrive",
        lambda conn, page: pages.arrive(conn, page, now=desk.clock.now()),
    )
