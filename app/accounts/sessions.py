"""Console sessions: kept on the server, found by what the signed cookie carries.

A session ends with a shift, when nobody used it for a while, with its user, with a new password,
by signing out. A board that is open is in use: it must ring on a quiet night. Who signs in again
where their session still holds goes on with it for another shift, in every window at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.accounts.principal import Principal
from app.accounts.users import principal_of
from core import sql
from core.database import Connection
from core.errors import NotFound, Refused
from core.secrets import new_secret

SESSION = timedelta(hours=12)  # a shift with its handover
IDLE = timedelta(minutes=30)
AT_HOME_FOR = timedelta(days=90)  # a call for help must not meet a form to sign in
_TOUCH_EVERY = timedelta(minutes=1)
_QUERIES = sql.load("app.accounts")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def open_session(conn: Connection, user_id: str, now: datetime) -> dict[str, str]:
    """Return the words to sign into the cookie. Raises `Refused` when the user is gone."""
    secret = new_secret()
    given = {
        "session_sha256": _digest(secret),
        "user_id": user_id,
        "now": now,
        "until": now + SESSION,
        "until_at_home": now + AT_HOME_FOR,
    }
    if conn.execute(_QUERIES["open_session"], given).rowcount == 0:
        raise Refused(f"user {user_id} was removed", "user.unknown")
    return {"session": secret}


def prolong_session(
    conn: Connection, session: Mapping[str, Any], user_id: str, now: datetime
) -> bool:
    """Let a session of this user that still holds go on as one opened now; say whether it did.

    Only for who has just proved again to be that user.
    """
    secret = session.get("session")
    if not isinstance(secret, str):
        return False
    given = {
        "session_sha256": _digest(secret),
        "user_id": user_id,
        "now": now,
        "idle_since": now - IDLE,
        "until": now + SESSION,
        "until_at_home": now + AT_HOME_FOR,
    }
    return conn.execute(_QUERIES["prolong_session"], given).rowcount > 0


def resume_session(conn: Connection, session: Mapping[str, Any], now: datetime) -> Principal:
    """Return whose session this is, noting that it is used; raise `Refused` when it has ended."""
    secret = session.get("session")
    if not isinstance(secret, str):
        raise Refused("not signed in", "session.none")
    digest = _digest(secret)
    given = {"session_sha256": digest, "now": now, "idle_since": now - IDLE}
    row = conn.execute(_QUERIES["find_session"], given).fetchone()
    if row is None:
        raise Refused("the session has ended; sign in again", "session.ended")
    if now - row["seen_at"] >= _TOUCH_EVERY:
        conn.execute(_QUERIES["touch_session"], {"session_sha256": digest, "now": now})
    return principal_of(row)


def end_session(conn: Connection, session: Mapping[str, Any], now: datetime) -> None:
    """End this session; one that has ended or never was is no error."""
    secret = session.get("session")
    if isinstance(secret, str):
        conn.execute(_QUERIES["end_session"], {"session_sha256": _digest(secret), "now": now})


def end_sessions_of(conn: Connection, user_id: str, now: datetime) -> int:
    """End every session of a user; return how many were open. Raises `NotFound`."""
    if conn.execute(_QUERIES["find_user"], {"user_id": user_id}).fetchone() is None:
        raise NotFound(f"no user {user_id}", "user.unknown")
    return conn.execute(_QUERIES["end_sessions_of"], {"user_id": user_id, "now": now}).rowcount
