"""What the forms of signing in share: passwords looked at, codes awaited, sessions opened."""

from __future__ import annotations

import base64
import math
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from alerts.audit import record_access
from app.accounts import second_factor
from app.accounts.permissions import Right, may
from app.accounts.principal import AT_HOME, Principal
from app.accounts.second_factor import SecondFactor
from app.accounts.sessions import open_session, prolong_session
from app.accounts.users import check_password, find_user, principal_of
from app.api.desk import Desk
from app.console.attempts import Attempts
from app.console.presenting import Papers
from core.database import Connection
from core.errors import PermanentError, Refused
from core.sealing import Seal
from core.telemetry import logger

_VERIFICATIONS = threading.Semaphore(2)  # Argon2id takes 64 MiB each
_PENDING = timedelta(minutes=5)  # from the password to the code
# where somebody starts: the first page they may see
_STARTS: tuple[tuple[Right, str], ...] = (
    (Right.BOARD, "/"),
    (Right.FIGURES, "/console/figures"),
    (Right.HOMES, "/console/homes"),
    (Right.HOME, "/home"),
)
_log = logger(__name__)


def start_of(who: Principal) -> str:
    """Return the page somebody is led to after signing in."""
    return next(path for right, path in _STARTS if may(who, right))


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


def later(seconds: int, answer: Response) -> Response:
    """Return the answer with how long to wait."""
    answer.headers["Retry-After"] = str(seconds)
    return answer


def named(conn: Connection, user: str) -> Principal:
    """Return a user who has proved a password; raise `Refused` when removed since."""
    row = find_user(conn, user)
    if row is None:
        raise Refused(f"user {user} was removed")
    return principal_of(row)


class Entrance:
    """Lets people in: the forms, and what is kept between them."""

    def __init__(self, desk: Desk, attempts: Attempts, papers: Papers) -> None:
        self.desk = desk
        self.attempts = attempts
        self.papers = papers
        self.factor = SecondFactor(desk.settings.service_key)
        self._seal = Seal(desk.settings.service_key, "enrolment")

    def form(
        self,
        request: Request,
        problem: str = "",
        status: int = 200,
        *,
        user: str = "",
        off: bool = False,
        **given: object,
    ) -> Response:
        """Ask for the password; `off`: where a board stood until its session ended."""
        text = self.papers.of(request).render(
            "login.html",
            problem=problem,
            user=user,
            off=off,
            given=given,
            provider=self.desk.settings.oidc_name if self.desk.settings.oidc_issuer else "",
        )
        return HTMLResponse(text, status)

    def code_form(
        self, request: Request, problem: str = "", status: int = 200, **given: object
    ) -> Response:
        """Ask for the code of the telephone."""
        text = self.papers.of(request).render("code.html", problem=problem, given=given)
        return HTMLResponse(text, status)

    def enrol_form(self, request: Request, user: str, problem: str = "") -> Response:
        """Show the code to scan; the same one until it is taken into use."""
        enrolment = second_factor.begin(user, self.secret_of(request))
        sealed = self._seal.close(enrolment.secret.encode())
        request.session["enrolling"] = base64.urlsafe_b64encode(sealed).decode()
        text = self.papers.of(request).render(
            "enrol.html", problem=problem, user=user, enrolment=enrolment
        )
        return HTMLResponse(text, 401 if problem else 200)

    def secret_of(self, request: Request) -> str | None:
        """Return the secret that is being enrolled in this browser."""
        try:
            sealed = base64.urlsafe_b64decode(request.session["enrolling"])
            return self._seal.open(sealed).decode()
        except (KeyError, ValueError, PermanentError):
            return None

    def slowed(self, request: Request, user: str, form: Callable[..., Response]) -> Response | None:
        """Return the answer to who tries too often, None when this attempt may go on."""
        wait_s = self.attempts.enter(address_of(request), user)
        if wait_s <= 0:
            return None
        seconds = math.ceil(wait_s)
        return later(seconds, form(request, "login.limited", 429, user=user, seconds=seconds))

    def expect_code(self, request: Request, user: str) -> None:
        """Remember in the signed cookie that this browser knew the password.

        A session that the browser has stays: with the code it goes on, if it is this user's.
        """
        held = request.session.get("session")
        request.session.clear()
        until = self.desk.clock.now() + _PENDING
        request.session.update(pending=user, pending_until=until.timestamp())
        if held is not None:
            request.session["session"] = held

    def pending(self, request: Request) -> str | None:
        """Return who has given the password here and not yet the code."""
        user, until = request.session.get("pending"), request.session.get("pending_until")
        if not isinstance(user, str) or not isinstance(until, float):
            return None
        return user if self.desk.clock.now().timestamp() < until else None

    def let_in(self, conn: Connection, who: Principal, held: Mapping[str, Any]) -> dict[str, str]:
        """Open a session, or let the one that the browser holds go on where it is this user's.

        Whoever sits at the board sees every open incident: a look of its own.
        """
        now = self.desk.clock.now()
        again = prolong_session(conn, held, who.user_id, now)
        session = {"session": held["session"]} if again else open_session(conn, who.user_id, now)
        record_access(
            conn,
            actor=who.user_id,
            action="board.open" if may(who, Right.BOARD) else "sign_in",
            household_id=None,
            now=now,
            detail={
                "reason": "signed in again" if again else "signed in",
                "role": who.role.value,
            },
        )
        return session

    def seat(self, request: Request, who: Principal, session: dict[str, str]) -> None:
        """Put the session into the cookie."""
        request.session.clear()
        request.session.update(session)
        _log.info("signed in", user=who.user_id)

    def verified(
        self, user: str, password: str, held: Mapping[str, Any]
    ) -> tuple[Principal, bool, dict[str, str] | None] | None:
        """Return who this is, whether they have a second factor, and the session if that is all.

        `held` is what the browser's cookie carries. None when too many are being verified
        already: nobody waits for a turn, it would be in a thread that others need. Raises
        `Refused`.
        """
        if not _VERIFICATIONS.acquire(blocking=False):
            return None
        try:
            with self.desk.database.transaction() as conn:
                who = check_password(conn, user, password)
                row = find_user(conn, user)
                has_factor = row is not None and row["totp_sealed"] is not None
                must = self.desk.settings.second_factor == "required"
                if has_factor or (must and who.role not in AT_HOME):
                    return who, has_factor, None
                return who, has_factor, self.let_in(conn, who, held)
        finally:
            _VERIFICATIONS.release()

    def by_code(
        self, user: str, code: str, held: Mapping[str, Any]
    ) -> tuple[Principal, dict[str, str]]:
        """Return who this is and their session; for who gave the password. Raises `Refused`."""
        with self.desk.database.transaction() as conn:
            self.factor.check(conn, user, code, self.desk.clock.now())
            who = named(conn, user)
            return who, self.let_in(conn, who, held)
