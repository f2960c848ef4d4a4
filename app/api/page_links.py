"""The one door by which a page is reached: its link holds, or the refusal is logged.

A telephone on which a responder has opened their own page refuses those of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from prometheus_client import Counter

from alerts import link_checks, responders
from alerts.links import check_responder_token, read_token, whose_token
from alerts.pages import responder_of
from app.api.desk import Desk
from core.database import Connection
from core.errors import NotFound, Refused
from core.telemetry import logger

OWN_COOKIE = "doorguard_responder"
_log = logger(__name__)
_REFUSED = Counter("doorguard_refused_links", "Links of pages that were refused", ["why"])


def page_of(desk: Desk, token: str) -> int:
    """Return the page's id where no database can be asked; raise `NotFound` as `by_link` does."""
    try:
        return read_token(desk.settings.service_key, token)
    except Refused as error:
        raise NotFound(str(error), error.code) from None


class NotTheirs(Refused):
    """The page is of another responder than the telephone."""


@contextmanager
def by_link(desk: Desk, request: Request, token: str) -> Iterator[tuple[Connection, int]]:
    """Lend a transaction and the page's id.

    Raises `NotFound` for a link that is damaged, forged or of another page, `Refused` for one
    that has expired, `NotTheirs` on another responder's telephone.
    """
    try:
        page_id = read_token(desk.settings.service_key, token)
    except Refused as error:
        _refuse(desk, token, str(error), "forged")
        raise NotFound(str(error), error.code) from None
    with desk.database.transaction() as conn:
        refused = _expired(desk, conn, page_id) or _not_theirs(desk, conn, request, page_id)
        if refused is None:
            yield conn, page_id
            return
    _refuse(desk, token, str(refused), "foreign" if isinstance(refused, NotTheirs) else "expired")
    raise refused


def own_id(desk: Desk, conn: Connection, token: str) -> str | None:
    """Return whose own link this is; None when it does not hold."""
    try:
        version = responders.link_version(conn, whose_token(token))
        return check_responder_token(desk.settings.service_key, token, version)
    except (NotFound, Refused):
        return None


def _not_theirs(desk: Desk, conn: Connection, request: Request, page_id: int) -> NotTheirs | None:
    """Look whose telephone this is, where its cookie says so."""
    own = request.cookies.get(OWN_COOKIE)
    if not own or (whose := responder_of(conn, page_id)) in {None, whose_token(own)}:
        return None
    who = own_id(desk, conn, own)
    if not who:
        return None
    return NotTheirs(f"this page was sent to {whose}, and not to {who}", "page.others")


def _expired(desk: Desk, conn: Connection, page_id: int) -> Refused | None:
    try:
        link_checks.check_alive(conn, page_id, now=desk.clock.now())
    except Refused as error:
        return error
    return None


def _refuse(desk: Desk, token: str, why: str, kind: str) -> None:
    _REFUSED.labels(kind).inc()
    _log.warning("a page's link was refused", why=why)
    with desk.database.transaction() as conn:
        link_checks.note_refused(conn, token, why, now=desk.clock.now())
