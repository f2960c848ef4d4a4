"""The page a responder opens on a telephone. Looking at it answers nothing: buttons do."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from alerts.audit import record_access
from alerts.lifecycle import ANSWERED, MAY_STILL_ANSWER, PageState, State
from alerts.pages import PageView, page_view
from app.api.desk import Desk, DeskDep, in_time
from app.api.households import picture
from app.api.page_links import by_link, page_of
from app.console.presenting import Papers
from core.errors import NotFound, Refused, TemporaryError
from core.secrets import new_secret

_SHOWN = 3


def standing(page: PageView, *, late: bool) -> str:
    """Return the key of the sentence that tells a responder where the page stands; empty: ask."""
    if page.page_state is PageState.DECLINED:
        return "responder.you_declined"
    if page.over:
        # stood down while somebody else goes, or the incident is closed
        return "responder.taken" if page.incident_state in _GOING else "responder.over"
    if page.page_state is PageState.ACCEPTED:
        left = page.incident_state is State.EN_ROUTE
        return "responder.you_left" if left else "responder.you_accepted"
    if page.page_state is PageState.ARRIVED:
        return "responder.you_arrived"
    if page.accepted_by is not None and page.page_state not in MAY_STILL_ANSWER:
        return "responder.taken"
    return "responder.late" if late else ""


_GOING = ANSWERED | {State.DISPATCHED}


def _read(desk: Desk, token: str, action: str) -> PageView:
    """Read the page; a look that shows an address or a picture is in the access log with it."""

    def read() -> PageView:
        with by_link(desk, token) as (conn, page_id):
            page = page_view(conn, page_id)
            if not page.over:
                record_access(
                    conn,
                    actor=f"responder:{page.responder_id}",
                    action=action,
                    household_id=page.household_id,
                    now=desk.clock.now(),
                    detail={"reason": "page", "page_id": page_id, "incident_id": page.incident_id},
                )
            return page

    return in_time(desk, read, lambda around: around.look(page_of(desk, token)))


def router(papers: Papers) -> APIRouter:
    """Return the routes of the responder's page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/page/{token}")
    def show(request: Request, desk: DeskDep, token: str) -> Response:
        templates = papers.of(request)
        try:
            page = _read(desk, token, "page")
        except NotFound:
            text = templates.render("notice.html", notice="responder.bad_link", again=False)
            return HTMLResponse(text, 404)
        except Refused:
            text = templates.render("notice.html", notice="responder.expired", again=False)
            return HTMLResponse(text, 403)
        except TemporaryError:
            text = templates.render("notice.html", notice="responder.away", again=True)
            return HTMLResponse(text, 503, headers={"Retry-After": "2"})
        text = templates.render(
            "responder.html",
            page=page,
            token=token,
            key=new_secret(),
            may_answer=not page.over and page.page_state in MAY_STILL_ANSWER,
            standing=standing(page, late=desk.clock.now() > page.answer_by),
            pictures=page.evidence[::-1][:_SHOWN],
        )
        return HTMLResponse(text)

    @routes.get("/page/{token}/evidence/{sha256}")
    def evidence(desk: DeskDep, token: str, sha256: str) -> Response:
        page = _read(desk, token, "evidence")
        for line in page.evidence:
            if line.sha256 == sha256:
                return picture(desk, line.key, sha256)
        raise NotFound("no such evidence on this page")

    return routes
