"""The one door by which a page is reached: its link holds, or the refusal is logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from alerts import link_checks
from alerts.links import read_token
from app.api.desk import Desk
from core.database import Connection
from core.errors import NotFound, Refused
from core.telemetry import logger

_log = logger(__name__)
_REFUSED = Counter("doorguard_refused_links", "Links of pages that were refused", ["why"])


def page_of(desk: Desk, token: str) -> int:
    """Return the page's id where no database can be asked; raise `NotFound` as `by_link` does."""
    try:
        return read_token(desk.settings.service_key, token)
    except Refused as error:
        raise NotFound(str(error)) from None


@contextmanager
def by_link(desk: Desk, token: str) -> Iterator[tuple[Connection, int]]:
    """Lend a transaction and the page's id.

    Raises `NotFound` for a link that is damaged, forged or of another page, `Refused` for one
    that has expired.
    """
    try:
        page_id = read_token(desk.settings.service_key, token)
    except Refused as error:
        _refuse(desk, token, str(error), "forged")
        raise NotFound(str(error)) from None
    with desk.database.transaction() as conn:
        expired = _expired(desk, conn, page_id)
        if expired is None:
            yield conn, page_id
            return
    _refuse(desk, token, str(expired), "expired")
    raise expired


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
