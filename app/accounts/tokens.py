"""Bearer tokens: 256 random bits, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from app.accounts.principal import Principal
from app.accounts.users import principal_of
from core import sql
from core.database import Connection
from core.errors import NotFound, Refused
from core.secrets import new_secret

DEFAULT_DAYS = 90
_QUERIES = sql.load("app.accounts")


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def issue_token(conn: Connection, user_id: str, now: datetime, days: float = DEFAULT_DAYS) -> str:
    """Return a new token, good for `days`. Raises `NotFound` when there is no such user."""
    token = new_secret()
    given = {
        "token_sha256": digest(token),
        "user_id": user_id,
        "now": now,
        "expires_at": now + timedelta(days=days),
    }
    if conn.execute(_QUERIES["issue_token"], given).rowcount == 0:
        raise NotFound(f"no user {user_id}")
    return token


def authenticate_token(conn: Connection, token: str, now: datetime) -> Principal:
    """Return whose token this is; raise `Refused` when unknown, expired or revoked.

    Looked up by digest, so that the time it takes tells nothing of a token's characters.
    """
    row = conn.execute(
        _QUERIES["find_token"], {"token_sha256": digest(token), "now": now}
    ).fetchone()
    if row is None:
        raise Refused("this token is unknown, expired or revoked")
    return principal_of(row)
