"""Signing in at the board: slowed, never waiting for its turn, and in the access log."""

from __future__ import annotations

import pytest
from starlette.middleware.sessions import SessionMiddleware

from app.accounts.users import add_user
from app.api import application
from app.console import enrolling, entrance, signing_in
from app.console.attempts import PAIR, Attempts
from app.console.presenting import Papers

from .conftest import Api, Client

pytestmark = pytest.mark.integration


@pytest.fixture
def board(api: Api, clock) -> Client:
    app = application.create(api.desk)
    app.add_middleware(SessionMiddleware, secret_key="only for this test")
    door = entrance.Entrance(api.desk, Attempts(clock), Papers(api.desk.settings))
    app.include_router(signing_in.router(door))
    app.include_router(enrolling.router(door))
    return Client(app)


def sign_in(board: Client, user: str, password: str):
    return board.post("/login", data={"user": user, "password": password})


@pytest.mark.parametrize("role", ["operator", "administrator"])
def test_sitting_down_at_the_board_is_a_look(board, conn, role) -> None:
    password = add_user(conn, "night-desk", role)
    assert sign_in(board, "night-desk", password + "x").status_code == 401
    assert conn.execute("SELECT n FROM access_log").fetchall() == []
    answer = sign_in(board, "night-desk", password)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (look,) = conn.execute("SELECT actor, action, household_id, detail FROM access_log").fetchall()
    assert look == {
        "actor": "night-desk",
        "action": "board.open",
        "household_id": None,
        "detail": {"reason": "signed in", "role": role},
    }


def test_a_resident_has_a_page_of_their_own_and_no_board(board, conn) -> None:
    password = add_user(conn, "kim", "resident", ["own"])
    answer = sign_in(board, "kim", password)
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    lines = conn.execute("SELECT action FROM access_log").fetchall()
    assert [line["action"] for line in lines] == ["sign_in"]


def test_a_right_password_is_kept_out_for_half_a_minute_at_most(board, conn, clock) -> None:
    password = add_user(conn, "night-desk", "operator")
    for _ in range(PAIR.free):
        assert sign_in(board, "night-desk", "a guess").status_code == 401
    slowed = sign_in(board, "night-desk", password)
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "30")
    assert "Try again in 30 s" in slowed.text
    clock.advance(30)
    assert sign_in(board, "night-desk", password).status_code == 303


def test_many_at_once_are_told_so_at_once(board, conn, monkeypatch) -> None:
    password = add_user(conn, "night-desk", "operator")
    with entrance._VERIFICATIONS, entrance._VERIFICATIONS:
        for _ in range(PAIR.free + 1):  # not counted: no password was looked at
            busy = sign_in(board, "night-desk", password)
            assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
            assert "Many are signing in" in busy.text
    assert sign_in(board, "night-desk", password).status_code == 303
