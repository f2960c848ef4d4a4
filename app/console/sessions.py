"""Signing in and out, by plain forms; the session is a signed cookie."""

from __future__ import annotations

import math
import threading
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.sessions import open_session
from app.accounts.users import check_password
from app.api.desk import DeskDep
from app.console.actions import STAFF
from app.console.attempts import Attempts
from app.console.presenting import Templates
from core.errors import DatabaseAway, Refused
from core.telemetry import logger

_VERIFICATIONS = threading.Semaphore(2)  # Argon2id takes 64 MiB each
_log = logger(__name__)


def router(attempts: Attempts, templates: Templates) -> APIRouter:
    """Return the routes of signing in and out."""
    routes = APIRouter(include_in_schema=False)

    def form(problem: str = "", status: int = 200, *, user: str = "", **given: object) -> Response:
        text = templates.render("login.html", problem=problem, user=user, given=given)
        return HTMLResponse(text, status)

    @routes.get("/login")
    def show(ended: bool = False) -> Response:
        return form("login.ended" if ended else "")

    @routes.post("/login")
    def sign_in(
        request: Request,
        desk: DeskDep,
        user: Annotated[str, Form(max_length=100)],
        password: Annotated[str, Form(max_length=200)],
    ) -> Response:
        address = request.client.host if request.client else ""
        wait_s = attempts.wait_s(address, user)
        if wait_s > 0:
            answer = form("login.limited", 429, user=user, minutes=math.ceil(wait_s / 60))
            answer.headers["Retry-After"] = str(math.ceil(wait_s))
            return answer
        try:
            with _VERIFICATIONS, desk.database.transaction() as conn:
                who = check_password(conn, user, password)
                session = open_session(conn, who, desk.clock.now())
        except Refused:
            attempts.failed(address, user)
            _log.warning("sign-in refused", address=address)
            return form("login.wrong", 401, user=user)
        except DatabaseAway:
            return form("login.away", 503, user=user)
        attempts.succeeded(address, user)
        if who.role not in STAFF:
            return form("login.resident", 403)
        request.session.clear()
        request.session.update(session)
        _log.info("signed in", user=who.user_id)
        return RedirectResponse("/", 303)

    @routes.post("/logout")
    def sign_out(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse("/login", 303)

    return routes
