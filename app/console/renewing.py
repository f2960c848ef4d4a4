"""Signing in again in an open window: its session goes on, nothing on the screen is left."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from app.accounts.sessions import resume_session
from app.accounts.users import find_user
from app.console.dialogs import titled
from app.console.entrance import Entrance
from app.console.judging import button
from app.console.words import Words
from core.errors import Refused, TemporaryError
from core.telemetry import logger

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a user signs in: by password, with a code too, by the provider (its name, or empty)."""

    user: str
    code: bool
    provider: str


class Renewal:
    """Prolongs one window's session for who proves again to be its user, slowed as signing in is.

    The methods block, for a thread.
    """

    def __init__(self, entrance: Entrance, session: Mapping[str, Any], address: str) -> None:
        self._entrance = entrance
        self._session = session
        self._address = address

    def ways(self) -> Ways:
        """Return how the session's user proves it. Raises `Refused`, `DatabaseAway`."""
        desk, settings = self._entrance.desk, self._entrance.desk.settings
        with desk.database.transaction() as conn:
            user = resume_session(conn, self._session, desk.clock.now()).user_id
            row = find_user(conn, user) or {}
        linked = settings.oidc_issuer is not None and row.get("oidc_subject") is not None
        has_telephone = row.get("totp_sealed") is not None
        return Ways(user, has_telephone, settings.oidc_name if linked else "")

    def renew(self, password: str, code: str) -> tuple[str, dict[str, object]]:
        """Return the key of what is wrong, with what it is filled with; empty: it goes on.

        Raises `Refused` when the session has ended meanwhile.
        """
        entrance, address = self._entrance, self._address
        user = self.ways().user
        wait_s = entrance.attempts.enter(address, user)
        if wait_s > 0:
            return "login.limited", {"seconds": math.ceil(wait_s)}
        wrong = "session.wrong"
        try:
            found = entrance.verified(user, password, self._session)
            if found is None:
                entrance.attempts.withdraw(address, user)
                return "login.busy", {}
            _who, has_factor, session = found
            wrong = "login.code.wrong"
            if session is None and has_factor:
                _who, session = entrance.by_code(user, code, self._session)
        except Refused:
            _log.warning("signing in again refused", user=user, address=address)
            return wrong, {}
        except TemporaryError:
            entrance.attempts.withdraw(address, user)
            return "login.away", {}
        if session is None:  # a code is a must, and the telephone was taken out of use meanwhile
            return "session.enrol", {}
        entrance.attempts.succeeded(address, user)
        if session["session"] != self._session["session"]:
            raise Refused("the session ended while its user signed in again")
        _log.info("signed in again", user=user)
        return "", {}


class RenewalDialog:
    """Asks for password and code; `renewed` is awaited when there is news of the session."""

    def __init__(self, t: Words, renewal: Renewal, renewed: Callable[[], Awaitable[None]]) -> None:
        self._t, self._renewal, self._renewed = t, renewal, renewed
        self._dialog, card = titled(t("session.title"))
        with card:
            ui.label(t("session.lead"))
            self._wrong = ui.label().classes("problem").props('role="alert"')
            self._password = self._field("login.password", "current-password", secret=True)
            self._password.props("autofocus")
            with ui.element("div").classes("code") as self._code_row:
                self._code = self._field("login.code", "one-time-code")
            with ui.element("div").classes("buttons"):
                self._provider = ui.link("", "/login/oidc?again=1", new_tab=True).classes("act")
                button(t("act.back"), "", self.close)
                button(t("session.again"), "primary", self._confirm)

    def _field(self, key: str, autocomplete: str, *, secret: bool = False) -> ui.input:
        label = self._t(key)
        ui.html(label, sanitize=True).classes("field-name")
        field = ui.input(password=secret).on("keydown.enter", self._confirm, args=[])
        return field.props(
            f'outlined maxlength=200 aria-label="{label}" autocomplete="{autocomplete}"'
            ' autocapitalize="none" spellcheck="false"'
        )

    async def open(self) -> None:
        """Ask, for what this user signs in with."""
        self._say("")
        try:
            ways = await asyncio.to_thread(self._renewal.ways)
        except Refused:
            await self._renewed()  # finds the session ended, and says so
            return
        except TemporaryError:
            self._say("login.away")
            ways = None
        if ways is not None:
            self._code_row.set_visibility(ways.code)
            self._provider.set_text(self._t("login.oidc", name=ways.provider))
            self._provider.set_visibility(bool(ways.provider))
        self._dialog.open()

    def close(self) -> None:
        """Take the question back."""
        self._password.value = self._code.value = ""
        self._dialog.close()

    def _say(self, key: str, **given: object) -> None:
        self._wrong.set_text(self._t(key, **given) if key else "")
        self._wrong.set_visibility(bool(key))

    async def _confirm(self) -> None:
        password, code = self._password.value or "", self._code.value or ""
        self._password.value = self._code.value = ""
        try:
            key, filled = await asyncio.to_thread(self._renewal.renew, password, code)
        except Refused:
            key, filled = "", {}
        except TemporaryError:
            key, filled = "login.away", {}
        self._say(key, **filled)
        if not key:
            await self._renewed()
