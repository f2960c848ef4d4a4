"""Signing in and out by plain forms: the password, then the code."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.accounts.principal import Principal
from app.accounts.sessions import end_session
from app.api.desk import DeskDep
from app.console.enrolling import Code
from app.console.entrance import Entrance, address_of, later, start_of
from core.errors import DatabaseAway, Refused
from core.telemetry import logger

_log = logger(__name__)


def router(entrance: Entrance) -> APIRouter:
    """Return the routes of signing in and out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    def show(request: Request, ended: str = "") -> Response:
        if ended == "board":  # somebody may sit before it who waits for an alarm
            return entrance.form(request, off=True)
        return entrance.form(request, "login.ended" if ended else "")

    @routes.post("/login")
    def sign_in(
        request: Request,
        user: Annotated[str, Form(max_length=100)],
        password: Annotated[str, Form(max_length=200)],
    ) -> Response:
        slowed = entrance.slowed(request, user, entrance.form)
        return slowed or _by_password(entrance, request, user, password)

    @routes.get("/login/code")
    def ask(request: Request) -> Response:
        if entrance.pending(request) is None:
            return RedirectResponse("/login?ended=1", 303)
        return entrance.code_form(request)

    @routes.post("/login/code")
    def take(request: Request, code: Code) -> Response:
        user = entrance.pending(request)
        if user is None:
            return RedirectResponse("/login?ended=1", 303)
        slowed = entrance.slowed(request, user, entrance.code_form)
        return slowed or _by_code(entrance, request, user, code)

    @routes.post("/logout")
    def sign_out(request: Request, desk: DeskDep) -> Response:
        try:
            with desk.database.transaction() as conn:
                end_session(conn, request.session, desk.clock.now())
        except DatabaseAway as error:  # the cookie goes; the session ends by itself
            _log.warning("a session was not ended on the server", error=str(error))
        request.session.clear()
        return RedirectResponse("/login", 303)

    return routes


def _by_password(entrance: Entrance, request: Request, user: str, password: str) -> Response:
    address = address_of(request)
    try:
        found = entrance.verified(user, password, request.session)
    except Refused:
        _log.warning("sign-in refused", address=address)
        return entrance.form(request, "login.wrong", 401, user=user)
    except DatabaseAway:
        entrance.attempts.withdraw(address, user)
        return entrance.form(request, "login.away", 503, user=user)
    if found is None:
        entrance.attempts.withdraw(address, user)
        return later(1, entrance.form(request, "login.busy", 429, user=user))
    who, has_factor, session = found
    entrance.attempts.succeeded(address, user)
    if session is not None:
        return _seated(entrance, request, who, session)
    entrance.expect_code(request, user)
    return RedirectResponse("/login/code" if has_factor else "/login/enrol", 303)


def _by_code(entrance: Entrance, request: Request, user: str, code: str) -> Response:
    address = address_of(request)
    try:
        who, session = entrance.by_code(user, code, request.session)
    except Refused:
        _log.warning("second factor refused", user=user, address=address)
        return entrance.code_form(request, "login.code.wrong", 401)
    except DatabaseAway:
        entrance.attempts.withdraw(address, user)
        return entrance.code_form(request, "login.away", 503)
    entrance.attempts.succeeded(address, user)
    return _seated(entrance, request, who, session)


def _seated(
    entrance: Entrance, request: Request, who: Principal, session: dict[str, str]
) -> Response:
    entrance.seat(request, who, session)
    return RedirectResponse(start_of(who), 303)
