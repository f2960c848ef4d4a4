"""Signing in and out, by plain forms; the session is a signed cookie."""

from __future__ import annotations

import math
import threading
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.audit import record_access
from app.accounts.principal import Principal
from app.accounts.sessions import open_session
from app.accounts.users import check_password
from app.api.desk import Desk, DeskDep
from app.console.actions import STAFF
from app.console.attempts import Attempts
from app.console.presenting import Templates
from core.database import Connection
from core.errors import DatabaseAway, Refused
from core.telemetry import logger

_VERIFICATIONS = threading.Semaphore(2)  # Argon2id takes 64 MiB each
_log = logger(__name__)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _later(seconds: int, answer: Response) -> Response:
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _record(conn: Connection, who: Principal, now: datetime) -> None:
    """Whoever sits at the board sees every open incident: that is a look of its own."""
    record_access(
        conn,
        actor=who.user_id,
        action="board.open",
        household_id=None,
        now=now,
        detail={"reason": "signed in", "role": who.role.value},
    )


def _verified(desk: Desk, user: str, password: str) -> tuple[Principal, dict[str, Any]] | None:
    """Return who this is and the new session, None when too many are being verified already.

    Never waits for its turn: it would wait in a thread that others need. Raises `Refused`.
    """
    if not _VERIFICATIONS.acquire(blocking=False):
        return None
    try:
        with desk.database.transaction() as conn:
            who, now = check_password(conn, user, password), desk.clock.now()
            session = open_session(conn, who, now)
            if who.role in STAFF:
                _record(conn, who, now)
    finally:
        _VERIFICATIONS.release()
    return who, session


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
        address = _address(request)
        wait_s = attempts.enter(address, user)
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            return _later(seconds, form("login.limited", 429, user=user, seconds=seconds))
        try:
            signed_in = _verified(desk, user, password)
        except Refused:
            _log.warning("sign-in refused", address=address)
            return form("login.wrong", 401, user=user)
        except DatabaseAway:
            attempts.withdraw(address, user)
            return form("login.away", 503, user=user)
        if signed_in is None:
            attempts.withdraw(address, user)
            return _later(1, form("login.busy", 429, user=user))
        who, session = signed_in
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
