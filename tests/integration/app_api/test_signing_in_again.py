"""Signing in again while the session holds: it goes on for a shift, and for its own user alone."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from app.accounts.sessions import IDLE, SESSION, open_session, prolong_session, resume_session
from app.accounts.users import add_user, new_password_for
from app.console.attempts import PAIR, Attempts
from app.console.entrance import Entrance
from app.console.presenting import Papers
from app.console.renewing import Renewal
from core.errors import Refused

from .conftest import Api
from .test_second_factor import Browser, client, enrolled  # noqa: F401 - fixtures

pytestmark = pytest.mark.integration


@pytest.fixture
def door(api: Api, clock) -> Entrance:
    return Entrance(api.desk, Attempts(clock), Papers(api.desk.settings))


def test_a_session_goes_on_for_a_shift(conn, clock, door) -> None:
    password = add_user(conn, "op", "operator")
    session = open_session(conn, "op", clock.now())
    conn.execute("UPDATE sessions SET until = %s", (clock.now() + timedelta(minutes=4),))
    renewal = Renewal(door, session, "10.0.0.1")
    assert renewal.renew(password, "") == ("", {})
    assert resume_session(conn, session, clock.now()).until == clock.now() + SESSION
    assert len(conn.execute("SELECT FROM sessions").fetchall()) == 1
    (line,) = conn.execute("SELECT actor, action, detail FROM access_log").fetchall()
    assert line == {
        "actor": "op",
        "action": "board.open",
        "detail": {"reason": "signed in again", "role": "operator"},
    }


def test_a_wrong_password_prolongs_nothing_and_is_slowed(conn, clock, door) -> None:
    password = add_user(conn, "op", "operator")
    session = open_session(conn, "op", clock.now())
    until = resume_session(conn, session, clock.now()).until
    renewal = Renewal(door, session, "10.0.0.1")
    for _ in range(PAIR.free):
        assert renewal.renew("a guess", "") == ("session.wrong", {})
    assert renewal.renew(password, "") == ("login.limited", {"seconds": 30})
    assert resume_session(conn, session, clock.now()).until == until
    assert conn.execute("SELECT FROM access_log").fetchall() == []


def test_an_ended_session_is_not_woken(conn, clock, door) -> None:
    password = add_user(conn, "op", "operator")
    session = open_session(conn, "op", clock.now())
    renewal = Renewal(door, session, "10.0.0.1")
    clock.advance(IDLE.total_seconds())
    with pytest.raises(Refused):
        renewal.renew(password, "")
    session = open_session(conn, "op", clock.now())
    new_password_for(conn, "op", clock.now())
    assert not prolong_session(conn, session, "op", clock.now())


def test_nobody_prolongs_the_session_of_another(conn, clock) -> None:
    for user in ("op", "other"):
        add_user(conn, user, "operator")
    session = open_session(conn, "op", clock.now())
    assert not prolong_session(conn, session, "other", clock.now())
    assert not prolong_session(conn, {}, "op", clock.now())
    assert prolong_session(conn, session, "op", clock.now())


def test_who_has_a_telephone_shows_it_again(conn, clock, door, enrolled) -> None:  # noqa: F811
    _, password, secret, _ = enrolled
    session = open_session(conn, "night-desk", clock.now())
    until = resume_session(conn, session, clock.now()).until
    renewal = Renewal(door, session, "10.0.0.1")
    assert renewal.ways().code
    clock.advance(60)
    assert renewal.renew(password, "") == ("login.code.wrong", {})
    assert renewal.renew(password, "000000") == ("login.code.wrong", {})
    assert resume_session(conn, session, clock.now()).until == until
    code = pyotp.TOTP(secret).at(clock.now())
    assert renewal.renew(password, code) == ("", {})
    assert renewal.renew(password, code) == ("login.code.wrong", {})  # good once


def test_another_tab_of_the_browser_signs_in_for_all(conn, clock, enrolled) -> None:  # noqa: F811
    browser, password, secret, _ = enrolled
    (row,) = conn.execute("SELECT session_sha256 FROM sessions").fetchall()
    conn.execute("UPDATE sessions SET until = %s", (clock.now() + timedelta(minutes=4),))
    clock.advance(60)
    browser.post("/login", user="night-desk", password=password)
    browser.post("/login/code", code=pyotp.TOTP(secret).at(clock.now()))
    (after,) = conn.execute("SELECT session_sha256, until FROM sessions").fetchall()
    assert after == {**row, "until": clock.now() + SESSION}


def test_another_user_in_the_same_browser_has_a_session_of_their_own(
    conn,
    clock,
    client,  # noqa: F811
    enrolled,  # noqa: F811
) -> None:
    browser, _, _, _ = enrolled
    password = add_user(conn, "kim", "resident")
    browser.post("/login", user="kim", password=password)
    rows = conn.execute("SELECT user_id FROM sessions ORDER BY user_id").fetchall()
    assert [row["user_id"] for row in rows] == ["kim", "night-desk"]
