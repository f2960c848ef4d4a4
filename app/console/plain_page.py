"""What every page without a live connection shares: who may see it, and its answers when not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.permissions import Denied, Right, may
from app.accounts.principal import Principal
from app.api.desk import Desk, deciding, limited
from app.console import actions
from app.console.ending import ending
from app.console.presenting import Papers
from core.database import Connection
from core.errors import Refused, TemporaryError

# the pages one goes to from the others, in the order they stand in
PAGES: tuple[tuple[str, str, Right], ...] = (
    ("board", "/", Right.BOARD),
    ("history", "/console/history", Right.HISTORY),
    ("homes", "/console/homes", Right.HOMES),
    ("door", "/console/door", Right.LIVE),
    ("responders", "/console/responders", Right.RESPONDERS),
    ("rules", "/console/rules", Right.RULES),
    ("figures", "/console/figures", Right.FIGURES),
    ("audit", "/console/audit", Right.AUDIT),
    ("users", "/console/users", Right.USERS),
)


def links(who: Principal) -> list[tuple[str, str]]:
    """Return name and address of each page this user may open."""
    return [(name, address) for name, address, right in PAGES if may(who, right)]


class PlainPages:
    """Opens pages: session, right, transaction with a limit of time; then the template."""

    def __init__(self, desk: Desk, papers: Papers) -> None:
        self.desk = desk
        self.papers = papers

    def answer(
        self,
        request: Request,
        right: Right | None,
        work: Callable[[Connection, Principal], Response],
    ) -> Response:
        """Return what `work` gives, once its transaction is committed; else say why not.

        `right` None: a page about the caller's own session.
        """
        templates = self.papers.of(request)
        try:
            with deciding(self.desk) as conn, limited(conn):
                who = actions.whoami(self.desk, conn, request.session, right)
                return work(conn, who)
        except Denied:
            return HTMLResponse(
                templates.render("notice.html", notice="page.denied", again=False), 403
            )
        except Refused:
            return RedirectResponse("/login", 303)
        except TemporaryError:
            text = templates.render("notice.html", notice="login.away", again=True)
            return HTMLResponse(text, 503, headers={"Retry-After": "2"})

    def render(
        self, request: Request, who: Principal, name: str, here: str, **given: Any
    ) -> Response:
        """Return a page with the way to the others; `here` is its own name."""
        ends = ending(who.until, self.desk.clock.now())
        templates = self.papers.of(request)
        text = templates.render(name, who=who, links=links(who), here=here, ending=ends, **given)
        return HTMLResponse(text)
