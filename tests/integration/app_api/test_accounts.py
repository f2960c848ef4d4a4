"""Users, passwords, console sessions and the first administrator on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.accounts.principal import Principal, Role
from app.accounts.sessions import (
    IDLE,
    SESSION,
    end_session,
    end_sessions_of,
    open_session,
    resume_session,
)
from app.accounts.tokens import authenticate_token, issue_token
from app.accounts.users import (
    add_user,
    change_role,
    check_password,
    ensure_administrator,
    list_users,
    new_password_for,
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
    session = open_session(conn, "op", clock.now())
    for minutes in range(0, int(SESSION.total_seconds()) // 60, 20):  # in use all the time
        assert resume_session(conn, session, clock.now() + timedelta(minutes=minutes)) == who
    for changed in ({}, {"session": None}, {"session": "x"}):
        with pytest.raises(Refused):
            resume_session(conn, changed, clock.now())
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now() + SESSION)
    session = open_session(conn, "op", clock.now())
    new_password_for(conn, "op", clock.now())
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now())
    session = open_session(conn, "op", clock.now())
    remove_user(conn, "op", clock.now())
    add_user(conn, "op", "operator")
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now())


def test_a_session_nobody_uses_ends(conn, clock) -> None:
    add_user(conn, "op", "operator")
    session = open_session(conn, "op", clock.now())
    clock.advance(IDLE.total_seconds() - 1)
    resume_session(conn, session, clock.now())
    clock.advance(IDLE.total_seconds() - 1)
    resume_session(conn, session, clock.now())
    clock.advance(IDLE.total_seconds())
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now())


def test_signing_out_ends_the_session_on_the_server(conn, clock) -> None:
    add_user(conn, "op", "operator")
    session, other = (open_session(conn, "op", clock.now()) for _ in range(2))
    end_session(conn, session, clock.now())
    with pytest.raises(Refused):
        resume_session(conn, session, clock.now())
    resume_session(conn, other, clock.now())
    assert end_sessions_of(conn, "op", clock.now()) == 1
    with pytest.raises(Refused):
        resume_session(conn, other, clock.now())
    kept = conn.execute("SELECT session_sha256 FROM sessions").fetchall()
    assert session["session"].encode() not in [bytes(row["session_sha256"]) for row in kept]


def test_roles_and_districts(conn) -> None:
    add_user(conn, "boss", "administrator")
    add_user(conn, "op", "operator", district="Mapo-gu")
    with pytest.raises(PermanentError):
        add_user(conn, "officer", "officer")  # of which district?
    with pytest.raises(PermanentError):
        add_user(conn, "kim", "resident", district="Mapo-gu")
    change_role(conn, "op", "supervisor")
    with pytest.raises(Conflict):
        change_role(conn, "boss", "operator")  # nobody could undo it
    with pytest.raises(PermanentError):
        change_role(conn, "op", "resident")
    change_role(conn, "op", "administrator")
    change_role(conn, "boss", "officer", "Mapo-gu")
    rows = {row["user_id"]: (row["role"], row["district"]) for row in list_users(conn)}
    assert rows == {"boss": ("officer", "Mapo-gu"), "op": ("administrator", "")}


def test_one_first_administrator(conn, clock) -> None:
    made = ensure_administrator(conn)
    assert made is not None
    assert check_password(conn, *made).role is Role.ADMINISTRATOR
    assert ensure_administrator(conn) is None
    remove_user(conn, made[0], clock.now())
    assert ensure_administrator(conn) is not None
