"""The page a responder opens on a telephone. Looking at it answers nothing: buttons do."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.arrival import ARRIVE_WITHIN
from alerts.audit import record_access
from alerts.finding import FINDINGS, LONGEST_NOTE
from alerts.lifecycle import ANSWERED, MAY_STILL_ANSWER, PageState, State
from alerts.pages import PageView, page_view
from app.api.around import of_page
from app.api.desk import Desk, DeskDep
from app.api.households import picture
from app.api.page_links import NotTheirs, by_link, page_of
from app.console.presenting import LANGUAGE_COOKIE, Papers, Templates
from app.console.words import CATALOGUE, Words
from core.catalogue import Priority
from core.errors import NotFound, Refused, TemporaryError
from core.secrets import new_secret

_SHOWN = 3
YEAR_S = 365 * 86400
_OWN_ENDS = {
    PageState.DECLINED: "responder.you_declined",
    PageState.DONE: "responder.you_are_done",
}
_SAYS_WHY = frozenset({"responder.taken", "responder.over"})
_GOING = ANSWERED | {State.DISPATCHED}
_REFUSALS = {
    NotFound: (404, "responder.bad_link"),
    NotTheirs: (403, "responder.not_yours"),
    Refused: (403, "responder.expired"),
}


def standing(page: PageView, *, late: bool) -> str:
    """Return the key of the sentence that tells a responder where the page stands; empty: ask."""
    if page.page_state in _OWN_ENDS:
        return _OWN_ENDS[page.page_state]
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


def _read(desk: Desk, request: Request, token: str, action: str) -> PageView:
    """Read the page; a look that shows an address or a picture is in the access log with it."""

    def read() -> PageView:
        with by_link(desk, request, token) as (conn, page_id):
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

    return of_page(desk, read, lambda around: around.look(page_of(desk, token), shown=True))


def answered(
    papers: Papers,
    request: Request,
    work: Callable[[Templates], str],
    away: Callable[[Templates], str] | None = None,
) -> Response:
    """Return the page that `work` renders, or what is said in its place.

    `away` renders what is shown while the database is; without it that is said, and tried again.
    """
    templates = papers.of(request)
    try:
        return HTMLResponse(work(templates))
    except (NotFound, Refused) as error:
        status, notice = next(said for kind, said in _REFUSALS.items() if isinstance(error, kind))
        return HTMLResponse(templates.render("notice.html", notice=notice, again=False), status)
    except TemporaryError:
        text = (
            away(templates)
            if away is not None
            else templates.render("notice.html", notice="responder.away", again=True)
        )
        return HTMLResponse(text, 503, headers={"Retry-After": "2"})


def in_language(request: Request, language: str) -> Response:
    """Return to the same page, which speaks this language from now on."""
    answer = RedirectResponse(request.url.path, 303)
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax")
    return answer


def _problem(words: Words, refused: str, stands: str) -> str:
    """Return why the last answer was refused, empty where what stands says it."""
    if not refused or stands in _SAYS_WHY:
        return ""
    return words.why(refused) or words("responder.problem")


def _rendered(desk: Desk, templates: Templates, page: PageView, token: str, refused: str) -> str:
    stands = standing(page, late=desk.clock.now() > page.answer_by)
    urgent = page.priority <= Priority.INTRUSION and page.page_state is not PageState.ARRIVED
    return templates.render(
        "responder.html",
        page=page,
        token=token,
        key=new_secret(),
        may_answer=not page.over and page.page_state in MAY_STILL_ANSWER,
        standing=stands,
        pictures=page.evidence[::-1][:_SHOWN],
        deadline=page.created_at + ARRIVE_WITHIN if urgent else None,
        route=desk.settings.route_url.format(lat=page.lat, lon=page.lon),
        findings=FINDINGS,
        longest_note=LONGEST_NOTE,
        problem=_problem(templates.words, refused, stands),
    )


def router(papers: Papers) -> APIRouter:
    """Return the routes of the responder's page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/page/{token}")
    def show(
        request: Request,
        desk: DeskDep,
        token: str,
        lang: str = "",
        refused: str = "",
        kept: str = "",
    ) -> Response:
        if lang in CATALOGUE:
            return in_language(request, lang)

        def work(templates: Templates) -> str:
            page = _read(desk, request, token, "page")
            return _rendered(desk, templates, page, token, refused)

        def away(templates: Templates) -> str:
            return templates.render(
                "responder_away.html",
                token=token,
                key=new_secret(),
                kept=bool(kept),
                findings=FINDINGS,
                longest_note=LONGEST_NOTE,
            )

        return answered(papers, request, work, away)

    @routes.get("/page/{token}/evidence/{sha256}")
    def evidence(request: Request, desk: DeskDep, token: str, sha256: str) -> Response:
        page = _read(desk, request, token, "evidence")
        for line in page.evidence:
            if line.sha256 == sha256:
                return picture(desk, line.key, sha256)
        raise NotFound("no such evidence on this page", "evidence.unknown")

    return routes
