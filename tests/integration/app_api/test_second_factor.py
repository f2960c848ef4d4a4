"""The second factor through the forms: enrolling, codes once each, recovery codes, required."""

from __future__ import annotations

import re
from urllib.parse import unquote

import httpx
import pyotp
import pytest
from starlette.middleware.sessions import SessionMiddleware

from app.accounts import second_factor
from app.accounts.users import add_user, find_user
from app.api import application
from app.api.desk import Desk
from app.console import enrolling, entrance, signing_in
from app.console.attempts import PAIR, Attempts
from app.console.presenting import Papers

from .conftest import Api, Client

pytestmark = pytest.mark.integration


class Browser:
    """Keeps its cookie between requests, as a browser does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.cookie = ""

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        if "doorguard" in answer.cookies:
            self.cookie = answer.cookies["doorguard"]
        return answer

    def get(self, path: str) -> httpx.Response:
        return self._kept(self._client.get(path, headers={"Cookie": f"doorguard={self.cookie}"}))

    def post(self, path: str, **form: str) -> httpx.Response:
        headers = {"Cookie": f"doorguard={self.cookie}"}
        return self._kept(self._client.post(path, data=form, headers=headers))


@pytest.fixture
def client(api: Api, clock) -> Client:
    settings = api.desk.settings.model_copy(update={"second_factor": "required"})
    desk = Desk(settings, api.desk.database, clock, api.desk.objects, api.calls)
    app = application.create(desk)
    app.add_middleware(
        SessionMiddleware, secret_key="only for this test", session_cookie="doorguard"
    )
    door = entrance.Entrance(desk, Attempts(clock), Papers(settings))
    app.include_router(signing_in.router(door))
    app.include_router(enrolling.router(door))
    return Client(app)


@pytest.fixture
def enrolled(client: Client, conn, clock) -> tuple[Browser, str, str, list[str]]:
    """Somebody who has just enrolled: browser, password, secret, recovery codes."""
    password = add_user(conn, "night-desk", "operator")
    browser = Browser(client)
    answer = browser.post("/login", user="night-desk", password=password)
    assert answer.headers["location"] == "/login/enrol"
    shown = browser.get("/login/enrol").text
    assert "<svg" in shown
    found = re.search(r'class="secret">([A-Z2-7]+)<', shown)
    assert found is not None
    answer = browser.post("/login/enrol", code=pyotp.TOTP(found[1]).at(clock.now()))
    codes = re.findall(r"<code>([a-z2-9-]+)</code>", answer.text)
    assert len(codes) == 10
    return browser, password, found[1], codes


def code_page(client: Client, password: str) -> Browser:
    browser = Browser(client)
    answer = browser.post("/login", user="night-desk", password=password)
    assert answer.headers["location"] == "/login/code"
    return browser


def test_nobody_of_the_staff_comes_in_by_password_alone(client, conn, clock) -> None:
    password = add_user(conn, "night-desk", "operator")
    browser = Browser(client)
    browser.post("/login", user="night-desk", password=password)
    assert conn.execute("SELECT FROM sessions").fetchall() == []
    browser.get("/login/enrol")
    wrong = browser.post("/login/enrol", code="000000")
    assert (wrong.status_code, "This is not the code" in wrong.text) == (401, True)
    assert conn.execute("SELECT FROM sessions").fetchall() == []
    assert find_user(conn, "night-desk")["totp_sealed"] is None
    clock.advance(301)  # the password was given too long ago
    assert browser.post("/login/enrol", code="000000").headers["location"] == "/login?ended=1"


def test_a_code_opens_once(client, conn, clock, enrolled) -> None:
    _, password, secret, _ = enrolled
    kept = bytes(find_user(conn, "night-desk")["totp_sealed"])
    assert secret.encode() not in kept
    totp = pyotp.TOTP(secret)
    assert (
        code_page(client, password).post("/login/code", code=totp.at(clock.now())).status_code
        == 401
    )
    clock.advance(30)
    code = totp.at(clock.now())
    assert code_page(client, password).post("/login/code", code=code).headers["location"] == "/"
    assert code_page(client, password).post("/login/code", code=code).status_code == 401
    clock.advance(30)
    late = totp.at(clock.now())
    clock.advance(29)  # the telephone's clock is one step behind
    assert code_page(client, password).post("/login/code", code=late).headers["location"] == "/"


def test_a_recovery_code_opens_once(client, conn, enrolled) -> None:
    _, password, _, codes = enrolled
    answer = code_page(client, password).post("/login/code", code=f" {codes[3].upper()} ")
    assert answer.headers["location"] == "/"
    assert code_page(client, password).post("/login/code", code=codes[3]).status_code == 401
    assert second_factor.recovery_codes_left(conn, "night-desk") == 9
    kept = conn.execute("SELECT code_sha256 FROM recovery_codes").fetchall()
    assert codes[0].encode() not in [bytes(row["code_sha256"]) for row in kept]


def test_codes_cannot_be_guessed(client, clock, enrolled) -> None:
    _, password, _, _ = enrolled
    browser = code_page(client, password)
    for _ in range(PAIR.free):
        assert browser.post("/login/code", code="123456").status_code == 401
    slowed = browser.post("/login/code", code="123456")
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "30")


def test_a_password_alone_does_not_replace_the_telephone(client, enrolled) -> None:
    _, password, _, _ = enrolled
    browser = code_page(client, password)
    assert browser.get("/login/enrol").headers["location"] == "/login?ended=1"
    assert browser.get("/login/code").status_code == 200


def test_a_lost_telephone_is_forgotten(client, conn, enrolled) -> None:
    _, password, _, codes = enrolled
    second_factor.forget(conn, "night-desk")
    browser = Browser(client)
    answer = browser.post("/login", user="night-desk", password=password)
    assert answer.headers["location"] == "/login/enrol"
    assert second_factor.recovery_codes_left(conn, "night-desk") == 0
    assert codes


def test_what_the_picture_says() -> None:
    enrolment = second_factor.begin("night-desk")
    address = unquote(enrolment.address)
    assert address.startswith("otpauth://totp/Door Guard:night-desk?secret=")
    assert enrolment.picture().startswith("<svg")
    assert second_factor.begin("night-desk", enrolment.secret) == enrolment
