"""A responder's own page: everything they are asked for or work on, by a link of their own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from alerts.links import page_token
from alerts.pages import open_pages
from app.api.desk import DeskDep
from app.api.page_links import OWN_COOKIE, own_id
from app.console.presenting import Papers, Templates
from app.console.responder_page import YEAR_S, answered, in_language
from app.console.words import CATALOGUE
from core.errors import NotFound


def router(papers: Papers) -> APIRouter:
    """Return its route. The telephone that opens it is that responder's from then on."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/responder/{token}")
    def own(request: Request, desk: DeskDep, token: str, lang: str = "") -> Response:
        if lang in CATALOGUE:
            return in_language(request, lang)

        def work(templates: Templates) -> str:
            with desk.database.transaction() as conn:
                responder_id = own_id(desk, conn, token)
                if responder_id is None:
                    raise NotFound("no such link", "link.bad")
                found = open_pages(conn, responder_id)
            key = desk.settings.service_key
            pages = [(page_token(key, page["page_id"]), page) for page in found]
            return templates.render("responder_pages.html", pages=pages)

        answer = answered(papers, request, work)
        if answer.status_code == 200:
            answer.set_cookie(
                OWN_COOKIE,
                token,
                max_age=YEAR_S,
                httponly=True,
                samesite="lax",
                secure=desk.settings.public_url.startswith("https://"),
            )
        return answer

    return routes
