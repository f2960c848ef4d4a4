"""Taking a telephone into use as the second factor: for who gave the password, or is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.principal import Principal
from app.accounts.sessions import resume_session
from app.accounts.users import find_user
from app.console.entrance import Entrance, named, start_of
from core.database import Connection
from core.errors import DatabaseAway, Refused

Code: TypeAlias = Annotated[str, Form(max_length=40)]


class _WrongCode(Exception):  # noqa: N818 - what the transaction ends with
    def __init__(self, user: str) -> None:
        self.user = user


def _enrolling(
    entrance: Entrance, request: Request, conn: Connection, now: datetime
) -> tuple[str, bool]:
    """Return who enrols and whether a session is open; raise `Refused`.

    Who has a telephone already shows it first: a password alone must not replace it.
    """
    user = entrance.pending(request)
    if user is None:
        return resume_session(conn, request.session, now).user_id, True
    row = find_user(conn, user)
    if row is None or row["totp_sealed"] is not None:
        raise Refused("give the code of the telephone first")
    return user, False


def _enrol(
    entrance: Entrance, request: Request, code: str
) -> tuple[Principal, dict[str, Any], list[str]]:
    """Return who has enrolled, their session, and the recovery codes."""
    desk, secret = entrance.desk, entrance.secret_of(request)
    with desk.database.transaction() as conn:
        user, signed_in = _enrolling(entrance, request, conn, desk.clock.now())
        who = named(conn, user)
        if secret is None:
            raise _WrongCode(user)
        try:
            codes = entrance.factor.enrol(conn, user, secret, code, desk.clock.now())
        except Refused:
            raise _WrongCode(user) from None
        session = (
            dict(request.session) if signed_in else entrance.let_in(conn, who, request.session)
        )
    session.pop("enrolling", None)
    return who, session, codes


def router(entrance: Entrance) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login/enrol")
    def show(request: Request) -> Response:
        try:
            with entrance.desk.database.transaction() as conn:
                user, _ = _enrolling(entrance, request, conn, entrance.desk.clock.now())
        except Refused:
            return RedirectResponse("/login?ended=1", 303)
        except DatabaseAway:
            return entrance.form(request, "login.away", 503)
        return entrance.enrol_form(request, user)

    @routes.post("/login/enrol")
    def take(request: Request, code: Code) -> Response:
        try:
            who, session, codes = _enrol(entrance, request, code)
        except _WrongCode as error:
            return entrance.enrol_form(request, error.user, "login.code.wrong")
        except Refused:
            return RedirectResponse("/login?ended=1", 303)
        except DatabaseAway:
            return entrance.form(request, "login.away", 503)
        entrance.seat(request, who, session)
        templates = entrance.papers.of(request)
        return HTMLResponse(templates.render("recovery.html", codes=codes, start=start_of(who)))

    return routes
