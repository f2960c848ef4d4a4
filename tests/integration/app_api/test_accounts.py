"""Users, passwords, console sessions and the first administrator on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.accounts.principal import Principal, Role
from app.accounts.sessions import SESSION, open_session, resume_session
from app.accounts.tokens import authenticate_token, issue_token
from app.accounts.users import (
    add_user,
    check_password,
    ensure_administrator,
    list_users,
    remove_user,
)
from core.errors import Conflict, NotFound, PermanentError, Refused

pytestmark = pytest.mark.integration


@pytest.fixture
def home(conn) -> str:
    conn.execute(
        "INSERT INTO households (household_id, name, lat, lon) VALUES ('h1', 'Home', 37.5, 127)"
    )
    return "h1"


def test_a_password_lets_its_user_in(conn, home) -> None:
    password = add_user(conn, "kim", "resident", [home])
    assert check_password(conn, "kim", password) == Principal(
        "kim", Role.RESIDENT, frozenset({home})
    )
    for user, wrong in (("kim", password + "x"), ("nobody", password), ("kim", "")):
        with pytest.raises(Refused):
            check_password(conn, user, wrong)
    (row,) = list_users(conn)
    assert (row["user_id"], row["role"], row["households"]) == ("kim", "resident", [home])
    kept = conn.execute("SELECT password_argon2 FROM users").fetchone()
    assert kept["password_argon2"].startswith("$argon2id$")


def test_a_refused_user_leaves_nothing(conn, home) -> None:
    add_user(conn, "kim", "resident", [home])
    with pytest.raises(Conflict):
        add_user(conn, "kim", "operator")
    with pytest.raises(NotFound):
        add_user(conn, "lee", "resident", ["nowhere"])
    for user, role, homes in (
        ("A B", "operator", []),
        ("lee", "king", []),
        ("lee", "operator", [home]),
    ):
        with pytest.raises(PermanentError):
            add_user(conn, user, role, homes)
    assert [row["user_id"] for row in list_users(conn)] == ["kim"]


def test_removal_ends_everything(conn, home, clock) -> None:
    password = add_user(conn, "kim", "resident", [home])
    token = issue_token(conn, "kim", clock.now())
    assert authenticate_token(conn, token, clock.now()).households == {home}
    remove_user(conn, "kim", clock.now())
    with pytest.raises(Refused):
        authenticate_token(conn, token, clock.now())
    with pytest.raises(Refused):
        check_password(conn, "kim", password)
    for call in (remove_user, issue_token):
        with pytest.raises(NotFound):
            call(conn, "kim", clock.now())


def test_no_token_stands_in_the_database(conn, clock) -> None:
    add_user(conn, "op", "operator")
    token = issue_token(conn, "op", clock.now())
    (row,) = conn.execute("SELECT * FROM api_tokens").fetchall()
    assert token.encode() not in bytes(row["token_sha256"])
    assert row["expires_at"] == clock.now() + timedelta(days=90)


def test_a_session_ends_with_shift_user_and_password(conn, clock) -> None:
    who = check_password(conn, "op", add_user(conn, "op", "operator"))
    session = open_session(conn, who, clock.now())
    assert resume_session(conn, session, clock.now() + SESSION - timedelta(seconds=1)) == who
    for changed in ({"until": None}, {"stamp": "x"}, {"user": "admin"}):
        with pytest.raises(Refused):
            resume_session(conn, session | changed, clock.now())
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now() + SESSION)
    remove_user(conn, "op", clock.now())
    add_user(conn, "op", "operator")
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now())


def test_one_first_administrator(conn, clock) -> None:
    made = ensure_administrator(conn)
    assert made is not None
    assert check_password(conn, *made).role is Role.ADMINISTRATOR
    assert ensure_administrator(conn) is None
    remove_user(conn, made[0], clock.now())
    assert ensure_administrator(conn) is not None
