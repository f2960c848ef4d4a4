"""Whom a home wants told of what happens at its door: its residents and those close to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError
from core.secrets import new_secret

MAX_CONTACTS = 10
MAX_ADDRESS = 2000  # characters of a URL
_QUERIES = sql.load("households", "contacts.sql")


def add_contact(
    conn: Connection,
    household_id: str,
    *,
    name: str,
    webhook_url: str | None = None,
    apprise_url: str | None = None,
    now: datetime,
) -> tuple[int, str | None]:
    """Name somebody, with one way to reach them; return the id and the webhook's secret.

    The secret is told this once. Raises `PermanentError` without a name or with no way or two,
    `NotFound`, and `Conflict` when there are `MAX_CONTACTS`.
    """
    if not name.strip():
        raise PermanentError("a contact has a name", "contact.name")
    if (webhook_url is None) == (apprise_url is None):
        raise PermanentError(
            "a contact is reached by a webhook or by an Apprise URL: give one", "contact.address"
        )
    if webhook_url is not None and not webhook_url.startswith(("http://", "https://")):
        raise PermanentError(
            "the webhook's address begins with http:// or https://", "contact.webhook"
        )
    if apprise_url is not None and "://" not in apprise_url:
        raise PermanentError(
            "the Apprise URL has no scheme, like mailto:// or ntfy://", "contact.apprise"
        )
    if len(list_contacts(conn, household_id)) >= MAX_CONTACTS:
        raise Conflict(
            f"a home has at most {MAX_CONTACTS} contacts; remove one first", "contact.most"
        )
    secret = new_secret() if webhook_url else None
    given = {
        "household_id": household_id,
        "name": name.strip(),
        "webhook_url": webhook_url,
        "webhook_secret": secret,
        "apprise_url": apprise_url,
        "now": now,
    }
    row = conn.execute(_QUERIES["add_contact"], given).fetchone()
    if row is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
    return int(row["contact_id"]), secret


def remove_contact(conn: Connection, household_id: str, contact_id: int, *, now: datetime) -> None:
    """Tell them nothing any more. Raises `NotFound`."""
    given = {"household_id": household_id, "contact_id": contact_id, "now": now}
    if conn.execute(_QUERIES["remove_contact"], given).fetchone() is None:
        raise NotFound(f"no contact {contact_id} of {household_id}", "contact.unknown")


def list_contacts(conn: Connection, household_id: str) -> list[dict[str, Any]]:
    """Return `contact_id name channel added_at` of a home's contacts; never their addresses."""
    return conn.execute(_QUERIES["contacts"], {"household_id": household_id}).fetchall()
