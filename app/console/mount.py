"""Puts the screens onto the application: sessions, files, signing in, the board."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from typing import Any

import nicegui
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from nicegui import ui
from starlette.middleware.sessions import SessionMiddleware

from app.accounts import routes
from app.accounts.permissions import Denied
from app.api.desk import Desk, DeskDep
from app.api.households import picture
from app.api.problems import names_no_address
from app.console import (
    actions,
    door_page,
    door_pane,
    enrolling,
    figures_page,
    history_page,
    home_page,
    homes_page,
    oidc,
    resident_page,
    responder_own,
    responder_page,
    service_pages,
    signing_in,
    users_page,
)
from app.console.attempts import Attempts
from app.console.entrance import Entrance, address_of
from app.console.feed import BoardFeed, measure
from app.console.plain_page import PlainPages
from app.console.presenting import Papers, Templates
from app.console.renewing import Renewal
from app.console.screen import Screen
from app.console.words import Words
from core.errors import Refused, TemporaryError
from core.secrets import derive

_COOKIE_S = 90 * 86400
_RECONNECT_S = 120.0  # a screen that lost its way for two minutes goes on where it was


def mount(app: FastAPI, desk: Desk, on_board: Callable[[datetime], None] | None = None) -> None:
    """Add the screens. NiceGUI keeps its state in the process: once per process.

    Raises `ConfigurationError` for a route whose right nobody has written down.
    """
    words = Words(desk.settings.language)
    papers = Papers(desk.settings)
    pages = PlainPages(desk, papers)
    feed = BoardFeed(desk.database, desk.clock)
    feed.subscribe(measure)
    if on_board is not None:
        feed.subscribe(lambda snapshot: on_board(snapshot.as_of))
    secret = derive(desk.settings.service_key, "console-session")
    app.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie="doorguard",
        max_age=_COOKIE_S,  # the server ends a session of the staff with the shift
        same_site="strict",
        https_only=desk.settings.public_url.startswith("https://"),
    )
    entrance = Entrance(desk, Attempts(desk.clock), papers)
    app.include_router(signing_in.router(entrance))
    app.include_router(enrolling.router(entrance))
    app.include_router(oidc.router(entrance))
    app.include_router(responder_page.router(papers))
    app.include_router(responder_own.router(papers))
    for page in (
        door_page,
        figures_page,
        history_page,
        home_page,
        homes_page,
        resident_page,
        service_pages,
        users_page,
    ):
        app.include_router(page.router(pages))
    app.add_api_route(
        "/console/evidence/{incident_id}/{sha256}", _evidence, include_in_schema=False
    )
    static = str(resources.files("app.console").joinpath("static"))
    app.mount("/console/static", StaticFiles(directory=static))
    _board(desk, feed, papers, entrance)
    logging.getLogger("nicegui").addFilter(names_no_address)
    nicegui.app.on_startup(lambda: feed.start(asyncio.get_running_loop()))
    nicegui.app.on_shutdown(feed.stop)
    nicegui.app.on_shutdown(desk.homes.stop)
    nicegui.app.on_shutdown(desk.views.close)
    ui.run_with(
        app,
        title=words("login.title"),
        favicon=resources.files("app.console").joinpath("static/icon.svg").read_text("utf-8"),
        dark=True,
        reconnect_timeout=_RECONNECT_S,
        tailwind=False,
        storage_secret=secret,
        show_welcome_message=False,
    )
    routes.check([*app.routes, *nicegui.app.routes])


def _evidence(request: Request, desk: DeskDep, incident_id: int, sha256: str) -> Response:
    key = actions.evidence_key(desk, request.session, incident_id, sha256)
    answer = picture(desk, key, sha256)
    # a screen redraws its detail; one look is one line in the access log
    answer.headers["Cache-Control"] = "private, max-age=3600, immutable"
    return answer


def _head(templates: Templates, timezone: str) -> str:
    words = templates.words
    said = {
        "timezone": timezone,
        "soundOn": words("board.sound.on"),
        "soundOff": words("board.sound.off"),
        "stale": words("board.stale", at="{at}"),
        "staleDatabase": words("board.stale.database", at="{at}"),
    }
    return (
        '<link rel="stylesheet" href="/console/static/theme.css">'
        '<link rel="stylesheet" href="/console/static/board.css">'
        f"{door_pane.HEAD}<script>window.dgWords = {json.dumps(said)};"
        f"document.documentElement.lang = {json.dumps(words.language)};"
        f"document.documentElement.dataset.theme = {json.dumps(templates.theme)};</script>"
        '<script src="/console/static/board.js"></script>'
    )


def _board(desk: Desk, feed: BoardFeed, papers: Papers, entrance: Entrance) -> None:
    @ui.page("/")
    async def board(request: Request, incident: int | None = None) -> Any:
        session = dict(request.session)
        templates = papers.of(request)
        try:
            who = await asyncio.to_thread(actions.check, desk, session)
        except Denied:
            text = templates.render("notice.html", notice="page.denied", again=False)
            return HTMLResponse(text, 403)
        except Refused:
            return RedirectResponse("/login?ended=board" if session else "/login", 303)
        except TemporaryError:
            text = templates.render("notice.html", notice="login.away", again=True)
            return HTMLResponse(text, 503, headers={"Retry-After": "2"})
        ui.dark_mode(templates.theme == "dark")
        ui.page_title(templates.words("board.title"))
        ui.add_head_html(_head(templates, desk.settings.timezone))
        renewal = Renewal(entrance, session, address_of(request))
        screen = Screen(desk, feed, templates, who, session, renewal)
        if incident is not None:
            screen.open_incident(incident)
        return None
