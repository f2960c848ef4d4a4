"""Administration of users and roles, and everybody's own account; every act is in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from alerts.audit import record_access
from app.accounts import second_factor, users
from app.accounts.permissions import Right
from app.accounts.principal import STAFF, Principal, Role
from app.accounts.sessions import end_sessions_of
from app.accounts.users import find_user
from app.console.plain_page import PlainPages
from core.database import Connection
from core.errors import PermanentError

Name = Annotated[str, Form(max_length=40)]
Do = Callable[[Connection], str]


def router(pages: PlainPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    def listed(
        request: Request, conn: Connection, who: Principal, told: str = "", problem: str = ""
    ) -> Response:
        rows = users.list_users(conn)
        return pages.render(
            request,
            who,
            "users.html",
            "users",
            rows=rows,
            roles=[role for role in Role if role in STAFF],
            told=told,
            problem=problem,
        )

    def act(request: Request, action: str, user: str, do: Do) -> Response:
        """Do it in a savepoint, with its line in the log; show the list with what came of it."""

        def work(conn: Connection, who: Principal) -> Response:
            try:
                with conn.transaction():
                    told = do(conn)
                    record_access(
                        conn,
                        actor=who.user_id,
                        action=f"user.{action}",
                        household_id=None,
                        now=pages.desk.clock.now(),
                        detail={"user": user},
                    )
            except PermanentError as error:
                said = pages.papers.of(request).words.refusal(error)
                return listed(request, conn, who, problem=said)
            return listed(request, conn, who, told=told)

        return pages.answer(request, Right.USERS, work)

    @routes.get("/console/users")
    def show(request: Request) -> Response:
        return pages.answer(request, Right.USERS, lambda conn, who: listed(request, conn, who))

    @routes.post("/console/users/add")
    def add(
        request: Request,
        user: Name,
        role: Annotated[Role, Form()],
        district: Annotated[str, Form(max_length=60)] = "",
    ) -> Response:
        t = pages.papers.of(request).words

        def do(conn: Connection) -> str:
            password = users.add_user(conn, user, role, (), district)
            return t("users.password.told", user=user, password=password)

        return act(request, "add", user, do)

    @routes.post("/console/users/role")
    def change(
        request: Request,
        user: Name,
        role: Annotated[Role, Form()],
        district: Annotated[str, Form(max_length=60)] = "",
    ) -> Response:
        def do(conn: Connection) -> str:
            users.change_role(conn, user, role, district)
            return f"{user}: {pages.papers.of(request).words.of('role', role)} {district}"

        return act(request, "role", user, do)

    _user_acts(routes, pages, act)
    _account(routes, pages)
    return routes


def _user_acts(
    routes: APIRouter, pages: PlainPages, act: Callable[[Request, str, str, Do], Response]
) -> None:
    @routes.post("/console/users/password")
    def password(request: Request, user: Name) -> Response:
        def do(conn: Connection) -> str:
            made = users.new_password_for(conn, user, pages.desk.clock.now())
            return pages.papers.of(request).words("users.password.told", user=user, password=made)

        return act(request, "password", user, do)

    @routes.post("/console/users/telephone")
    def telephone(request: Request, user: Name) -> Response:
        def do(conn: Connection) -> str:
            second_factor.forget(conn, user)
            return pages.papers.of(request).words("users.telephone.done", user=user)

        return act(request, "telephone", user, do)

    @routes.post("/console/users/sessions")
    def sessions(request: Request, user: Name) -> Response:
        def do(conn: Connection) -> str:
            n = end_sessions_of(conn, user, pages.desk.clock.now())
            return pages.papers.of(request).words("users.sessions.done", user=user, n=n)

        return act(request, "sessions", user, do)

    @routes.post("/console/users/remove")
    def remove(request: Request, user: Name) -> Response:
        def do(conn: Connection) -> str:
            row = find_user(conn, user)
            if row is not None:
                users.keep_an_administrator(conn, row)
            users.remove_user(conn, user, pages.desk.clock.now())
            return pages.papers.of(request).words("users.removed", user=user)

        return act(request, "remove", user, do)


def _account(routes: APIRouter, pages: PlainPages) -> None:
    @routes.get("/console/account")
    def account(request: Request) -> Response:
        def work(conn: Connection, who: Principal) -> Response:
            row = find_user(conn, who.user_id)
            return pages.render(
                request,
                who,
                "account.html",
                "account",
                enrolled=row is not None and row["totp_sealed"] is not None,
                left=second_factor.recovery_codes_left(conn, who.user_id),
            )

        return pages.answer(request, None, work)
