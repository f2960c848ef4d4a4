"""Users: added with a password shown once, removed with everything that let them in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from app.accounts import passwords
from app.accounts.principal import Principal, Role
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError, Refused

FIRST_ADMINISTRATOR = "admin"
_USER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_RESERVED = frozenset({"system", "synthetic"})  # these act in the logs and are nobody
_ADMINISTRATOR_LOCK = 0x61646D696E  # "admin": two first starts make one administrator
_QUERIES = sql.load("app.accounts")


def add_user(
    conn: Connection, user_id: str, role: Role | str, households: Iterable[str] = ()
) -> str:
    """Add a user and return the password, which is kept nowhere.

    A removed user's id may be used again; old tokens and sessions stay dead. Raises `Conflict`
    when the user exists, `NotFound` for an unknown household, `PermanentError` for a bad id or
    role, or for households of somebody who is not a resident.
    """
    homes = sorted(set(households))
    if not _USER_ID.fullmatch(user_id):
        raise PermanentError(
            f"user id {user_id!r}: 2 to 40 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or a digit"
        )
    if user_id in _RESERVED:
        raise PermanentError(f"user id {user_id!r} is reserved for the service itself")
    try:
        role = Role(role)
    except ValueError:
        raise PermanentError(f"role {role!r}: {', '.join(Role)} are the roles") from None
    if homes and role is not Role.RESIDENT:
        raise PermanentError(f"a household belongs to a resident, not to an {role}")
    password = passwords.new_password()
    given = {"user_id": user_id, "role": role, "password_argon2": passwords.digest(password)}
    with conn.transaction():
        if conn.execute(_QUERIES["add_user"], given).fetchone() is None:
            raise Conflict(f"user {user_id} exists already")
        conn.execute(_QUERIES["forget_households"], {"user_id": user_id})
        try:
            with conn.cursor() as cursor:
                cursor.executemany(
                    _QUERIES["add_household"],
                    [{"user_id": user_id, "household_id": home} for home in homes],
                )
        except psycopg.errors.ForeignKeyViolation:
            raise NotFound(f"not every household exists: {', '.join(homes)}") from None
    return password


def remove_user(conn: Connection, user_id: str, now: datetime) -> None:
    """Remove a user; tokens and sessions die in the same transaction. Raises `NotFound`."""
    with conn.transaction():
        if conn.execute(_QUERIES["remove_user"], {"user_id": user_id, "now": now}).rowcount == 0:
            raise NotFound(f"no user {user_id}")
        conn.execute(_QUERIES["revoke_tokens"], {"user_id": user_id, "now": now})
        conn.execute(_QUERIES["forget_households"], {"user_id": user_id})


def list_users(conn: Connection) -> list[dict[str, Any]]:
    """Return user_id, role, households (list), created_at of everybody who may sign in."""
    return conn.execute(_QUERIES["list_users"]).fetchall()


def principal_of(row: dict[str, Any]) -> Principal:
    """Return the principal of a row with user_id, role and households."""
    return Principal(row["user_id"], Role(row["role"]), frozenset(row["households"]))


def find_user(conn: Connection, user_id: str) -> dict[str, Any] | None:
    """Return user_id, role, households and password_argon2 of a user, None when there is none."""
    return conn.execute(_QUERIES["find_user"], {"user_id": user_id}).fetchone()


def check_password(conn: Connection, user_id: str, password: str) -> Principal:
    """Return who this is; raise `Refused`, after the same work whether or not the user exists."""
    row = find_user(conn, user_id)
    if not passwords.matches(row["password_argon2"] if row else None, password) or row is None:
        raise Refused("unknown user or wrong password")
    return principal_of(row)


def ensure_administrator(conn: Connection) -> tuple[str, str] | None:
    """Make the first administrator; return (user, password), or None when there is one already."""
    with conn.transaction():
        conn.execute(_QUERIES["lock"], {"key": _ADMINISTRATOR_LOCK})
        if conn.execute(_QUERIES["any_administrator"]).fetchone() is not None:
            return None
        return FIRST_ADMINISTRATOR, add_user(conn, FIRST_ADMINISTRATOR, Role.ADMINISTRATOR)
