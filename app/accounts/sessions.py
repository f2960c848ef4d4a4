"""Console sessions: what the signed cookie says, and whether it still holds.

A session ends with a shift, with its user, and with the password it was opened by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.accounts.principal import Principal
from app.accounts.users import find_user, principal_of
from core.database import Connection
from core.errors import Refused
from core.secrets import same

SESSION = timedelta(hours=12)  # a shift with its handover


def _stamp(password_argon2: str) -> str:
    return hashlib.sha256(password_argon2.encode()).hexdigest()[:32]


def open_session(conn: Connection, principal: Principal, now: datetime) -> dict[str, Any]:
    """Return the words to sign into the cookie. Raises `Refused` when the user is gone."""
    row = find_user(conn, principal.user_id)
    if row is None:
        raise Refused(f"user {principal.user_id} was removed")
    return {
        "user": principal.user_id,
        "stamp": _stamp(row["password_argon2"]),
        "until": (now + SESSION).timestamp(),
    }


def resume_session(conn: Connection, session: Mapping[str, Any], now: datetime) -> Principal:
    """Return whose session this is; raise `Refused` when there is none or it has ended."""
    user, stamp, until = (session.get(name) for name in ("user", "stamp", "until"))
    if not isinstance(user, str) or not isinstance(stamp, str) or not isinstance(until, float):
        raise Refused("not signed in")
    row = find_user(conn, user)
    if (
        row is None
        or not same(stamp, _stamp(row["password_argon2"]))
        or now >= datetime.fromtimestamp(until, UTC)
    ):
        raise Refused("the session has ended; sign in again")
    return principal_of(row)
