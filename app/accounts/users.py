"""Users: added with a password shown once, removed with everything that let them in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from app.accounts import passwords
from app.accounts.principal import AT_HOME, Principal, Role
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError, Refused

FIRST_ADMINISTRATOR = "admin"
_USER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_RESERVED = frozenset({"system", "synthetic"})  # these act in the logs and are nobody
_ADMINISTRATOR_LOCK = 0x61646D696E  # "admin": two first starts make one administrator
_QUERIES = sql.load("app.accounts")


def add_user(
    conn: Connection,
    user_id: str,
    role: Role | str,
    households: Iterable[str] = (),
    district: str = "",
) -> str:
    """Add a user and return the password, which is kept nowhere.

    A removed user's id may be used again; old tokens and sessions stay dead. Raises `Conflict`
    when the user exists, `NotFound` for an unknown household, `PermanentError` for a bad id or
    role, for households of staff, or for a district of somebody who is not.
    """
    homes = sorted(set(households))
    if not _USER_ID.fullmatch(user_id):
        raise PermanentError(
            f"user id {user_id!r}: 2 to 40 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or a digit",
            "user.id",
        )
    if user_id in _RESERVED:
        raise PermanentError(
            f"user id {user_id!r} is reserved for the service itself", "user.reserved"
        )
    role, district = _role(role, district)
    if homes and role not in AT_HOME:
        raise PermanentError(
            f"a household belongs to a resident or guardian, not to: {role}", "user.household"
        )
    password = passwords.new_password()
    given = {
        "user_id": user_id,
        "role": role,
        "password_argon2": passwords.digest(password),
        "district": district,
    }
    with conn.transaction():
        if conn.execute(_QUERIES["add_user"], given).fetchone() is None:
            raise Conflict(f"user {user_id} exists already", "user.exists")
        conn.execute(_QUERIES["forget_households"], {"user_id": user_id})
        try:
            with conn.cursor() as cursor:
                cursor.executemany(
                    _QUERIES["add_household"],
                    [{"user_id": user_id, "household_id": home} for home in homes],
                )
        except psycopg.errors.ForeignKeyViolation:
            raise NotFound(
                f"not every household exists: {', '.join(homes)}", "home.unknown"
            ) from None
    return password


def _role(role: Role | str, district: str) -> tuple[Role, str]:
    try:
        role = Role(role)
    except ValueError:
        raise PermanentError(
            f"role {role!r}: {', '.join(Role)} are the roles", "user.role"
        ) from None
    district = district.strip()
    if district and role in AT_HOME:
        raise PermanentError(f"a district is given to staff, not to: {role}", "user.district")
    if role is Role.OFFICER and not district:
        raise PermanentError("a district officer needs a district", "user.officer")
    return role, district


def change_role(conn: Connection, user_id: str, role: Role | str, district: str = "") -> None:
    """Give a member of the staff another role or district; it holds from the next request on.

    Raises `NotFound`, `PermanentError` for what does not fit, and `Conflict` where no administrator
    would be left.
    """
    role, district = _role(role, district)
    row = find_user(conn, user_id)
    if row is None:
        raise NotFound(f"no user {user_id}", "user.unknown")
    if role in AT_HOME or Role(row["role"]) in AT_HOME:
        raise PermanentError(
            "residents and guardians keep their role; add another user", "user.role_stays"
        )
    if role is not Role.ADMINISTRATOR:
        keep_an_administrator(conn, row)
    conn.execute(_QUERIES["change_role"], {"user_id": user_id, "role": role, "district": district})


def keep_an_administrator(conn: Connection, row: dict[str, Any]) -> None:
    """Raise `Conflict` when this row (of `find_user`) is the only administrator."""
    if row["role"] != Role.ADMINISTRATOR:
        return
    conn.execute(_QUERIES["lock"], {"key": _ADMINISTRATOR_LOCK})
    other = conn.execute(_QUERIES["other_administrator"], {"user_id": row["user_id"]}).fetchone()
    if other is None:
        raise Conflict(f"{row['user_id']} is the only administrator", "user.last_administrator")


def new_password_for(conn: Connection, user_id: str, now: datetime) -> str:
    """Return a new password; the old one and every session end. Raises `NotFound`."""
    password = passwords.new_password()
    given = {"user_id": user_id, "password_argon2": passwords.digest(password), "now": now}
    if conn.execute(_QUERIES["change_password"], given).rowcount == 0:
        raise NotFound(f"no user {user_id}", "user.unknown")
    conn.execute(_QUERIES["end_sessions_of"], given)
    return password


def remove_user(conn: Connection, user_id: str, now: datetime) -> None:
    """Remove a user; tokens and sessions die in the same transaction. Raises `NotFound`."""
    with conn.transaction():
        if conn.execute(_QUERIES["remove_user"], {"user_id": user_id, "now": now}).rowcount == 0:
            raise NotFound(f"no user {user_id}", "user.unknown")
        conn.execute(_QUERIES["revoke_tokens"], {"user_id": user_id, "now": now})
        conn.execute(_QUERIES["end_sessions_of"], {"user_id": user_id, "now": now})
        conn.execute(_QUERIES["forget_recovery_codes"], {"user_id": user_id})
        conn.execute(_QUERIES["forget_households"], {"user_id": user_id})


def join_home(conn: Connection, user_id: str, household_id: str) -> None:
    """Let a guardian who looks after a home look after another. Raises `NotFound`."""
    given = {"user_id": user_id, "household_id": household_id}
    if conn.execute(_QUERIES["hold_guardian"], given).fetchone() is None:
        raise NotFound(f"nobody looks after a home as {user_id}", "guardian.nobody")
    conn.execute(_QUERIES["join_household"], given)


def leave_home(conn: Connection, user_id: str, household_id: str, now: datetime) -> None:
    """End a guardian's way into a home, and the account with the last one. Raises `NotFound`."""
    given = {"user_id": user_id, "household_id": household_id}
    if conn.execute(_QUERIES["hold_guardian"], given).fetchone() is None:
        raise NotFound(f"no user {user_id}", "user.unknown")
    conn.execute(_QUERIES["leave_household"], given)
    if conn.execute(_QUERIES["any_household"], given).fetchone() is None:
        remove_user(conn, user_id, now)


def list_users(conn: Connection) -> list[dict[str, Any]]:
    """Return everybody who may sign in.

    user_id, role, district, households (list), created_at, second_factor (bool), oidc_subject and
    seen_at (None: never signed in at the screens).
    """
    return conn.execute(_QUERIES["list_users"]).fetchall()


def principal_of(row: dict[str, Any]) -> Principal:
    """Return the principal of a row with user_id, role, households, district, perhaps `until`."""
    homes = frozenset(row["households"])
    role, until = Role(row["role"]), row.get("until")
    return Principal(row["user_id"], role, homes, row["district"], until)


def find_user(conn: Connection, user_id: str) -> dict[str, Any] | None:
    """Return a user with the secrets that prove it, None when there is none.

    user_id, role, district, households, password_argon2, totp_sealed, totp_step, oidc_subject.
    """
    return conn.execute(_QUERIES["find_user"], {"user_id": user_id}).fetchone()


def find_oidc_user(conn: Connection, subject: str) -> Principal | None:
    """Return who is linked to a subject of the identity provider, None when nobody is."""
    row = conn.execute(_QUERIES["find_oidc_user"], {"subject": subject}).fetchone()
    return principal_of(row) if row else None


def link_oidc(conn: Connection, user_id: str, subject: str | None) -> None:
    """Let whoever is `subject` at the provider sign in as this user; None: nobody any more.

    Raises `NotFound`, and `Conflict` when somebody else is linked to it.
    """
    try:
        with conn.transaction():
            given = {"user_id": user_id, "subject": subject}
            if conn.execute(_QUERIES["link_oidc"], given).rowcount == 0:
                raise NotFound(f"no user {user_id}", "user.unknown")
    except psycopg.errors.UniqueViolation:
        raise Conflict("another user is linked to this subject", "user.linked") from None


def check_password(conn: Connection, user_id: str, password: str) -> Principal:
    """Return who this is; raise `Refused`, after the same work whether or not the user exists."""
    row = find_user(conn, user_id)
    if not passwords.matches(row["password_argon2"] if row else None, password) or row is None:
        raise Refused("unknown user or wrong password", "user.password")
    return principal_of(row)


def ensure_administrator(conn: Connection) -> tuple[str, str] | None:
    """Make the first administrator; return (user, password), or None when there is one already."""
    with conn.transaction():
        conn.execute(_QUERIES["lock"], {"key": _ADMINISTRATOR_LOCK})
        if conn.execute(_QUERIES["any_administrator"]).fetchone() is not None:
            return None
        return FIRST_ADMINISTRATOR, add_user(conn, FIRST_ADMINISTRATOR, Role.ADMINISTRATOR)
