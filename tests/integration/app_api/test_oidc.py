"""Signing in through an OpenID Connect provider: a real one, as far as the protocol goes."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Form, Request
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.middleware.sessions import SessionMiddleware

from app.accounts.sessions import SESSION
from app.accounts.users import add_user, link_oidc
from app.api import application
from app.api.desk import Desk
from app.console import entrance, oidc, signing_in
from app.console.attempts import Attempts
from app.console.presenting import Papers
from app.embedded.ports import free_port
from core.errors import Conflict

from .conftest import Api, Client
from .test_second_factor import Browser

pytestmark = pytest.mark.integration

CLIENT, SECRET = "doorguard-test", "a-secret-of-the-test"


@dataclass
class Provider:
    """Issues signed tokens for whoever asks with the right code, secret and verifier."""

    port: int = field(default_factory=free_port)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)  # what to say otherwise than is right
    signing_key: RSAKey | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def agree(self, address: str) -> str:
        """Play the person at the provider's page: return the query that comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked["code-1"] = asked
        assert asked["redirect_uri"] == "http://testserver/login/oidc/back"
        assert asked["code_challenge_method"] == "S256"
        return f"code=code-1&state={asked['state']}"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def metadata() -> dict[str, str]:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }

        @app.get("/keys")
        def keys() -> dict[str, object]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token")
        def token(
            request: Request,
            code: Annotated[str, Form()],
            code_verifier: Annotated[str, Form()],
        ) -> dict[str, str]:
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            assert request.headers["authorization"] == f"Basic {basic}"
            asked = self.asked.pop(code)
            digest = hashlib.sha256(code_verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert challenge == asked["code_challenge"]
            claims = {
                "iss": self.issuer,
                "sub": "kim-of-the-city",
                "aud": CLIENT,
                "exp": int(time.time()) + 300,
                "nonce": asked["nonce"],
            } | self.claims
            signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signing_key or self.key)
            return {"id_token": signed, "token_type": "Bearer", "access_token": "unused"}

        return app


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    server = uvicorn.Server(
        uvicorn.Config(provider.app(), port=provider.port, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    poll = threading.Event()
    while not server.started:
        poll.wait(0.02)
    yield provider
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.claims, running.signing_key = {}, None
    return running


@pytest.fixture
def browser(api: Api, clock, provider: Provider) -> Browser:
    settings = api.desk.settings.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_client": CLIENT,
            "oidc_secret": SECRET,
            "oidc_name": "the city",
            "second_factor": "required",
        }
    )
    desk = Desk(settings, api.desk.database, clock, api.desk.objects, api.calls)
    app = application.create(desk)
    app.add_middleware(
        SessionMiddleware, secret_key="only for this test", session_cookie="doorguard"
    )
    door = entrance.Entrance(desk, Attempts(clock), Papers(settings))
    app.include_router(signing_in.router(door))
    app.include_router(oidc.router(door))
    return Browser(Client(app))


def come_back(browser: Browser, provider: Provider, leave: str = "/login/oidc") -> httpx.Response:
    assert "Sign in with the city" in browser.get("/login").text
    query = provider.agree(browser.get(leave).headers["location"])
    assert (
        f"/login/oidc/finish?{query}".replace("&", "&amp;")
        in browser.get(f"/login/oidc/back?{query}").text
    )
    return browser.get(f"/login/oidc/finish?{query}")


def test_who_is_linked_comes_in(browser, provider, conn) -> None:
    add_user(conn, "kim", "officer", district="Mapo-gu")
    unknown = come_back(browser, provider)
    subject = f"{provider.issuer}|kim-of-the-city"
    assert (unknown.status_code, subject in unknown.text) == (403, True)
    link_oidc(conn, "kim", subject)
    answer = come_back(browser, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/figures")
    assert len(conn.execute("SELECT FROM sessions").fetchall()) == 1
    add_user(conn, "lee", "operator")
    with pytest.raises(Conflict):
        link_oidc(conn, "lee", subject)


def test_the_session_goes_on_with_who_signs_in_again(browser, provider, conn, clock) -> None:
    add_user(conn, "kim", "operator")
    link_oidc(conn, "kim", f"{provider.issuer}|kim-of-the-city")
    come_back(browser, provider)
    clock.advance(60)
    conn.execute("UPDATE sessions SET until = %s", (clock.now() + timedelta(minutes=4),))
    again = come_back(browser, provider, "/login/oidc?again=1")
    assert (again.status_code, "signed in again" in again.text) == (200, True)
    (session,) = conn.execute("SELECT until FROM sessions").fetchall()
    assert session["until"] == clock.now() + SESSION


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://somebody.else"},
        {"aud": "another-client"},
        {"nonce": "of another sign-in"},
        {"exp": 1},
    ],
    ids=str,
)
def test_a_token_not_meant_for_this_sign_in(browser, provider, conn, claims) -> None:
    add_user(conn, "kim", "operator")
    link_oidc(conn, "kim", f"{provider.issuer}|kim-of-the-city")
    provider.claims = claims
    assert come_back(browser, provider).status_code == 401
    assert conn.execute("SELECT FROM sessions").fetchall() == []


def test_a_token_signed_by_somebody_else(browser, provider, conn) -> None:
    add_user(conn, "kim", "operator")
    link_oidc(conn, "kim", f"{provider.issuer}|kim-of-the-city")
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert come_back(browser, provider).status_code == 401


def test_an_answer_this_browser_did_not_ask_for(browser, provider) -> None:
    query = provider.agree(browser.get("/login/oidc").headers["location"])
    browser.cookie = ""
    assert browser.get(f"/login/oidc/finish?{query}").status_code == 401


def test_a_provider_that_is_away(browser, provider, monkeypatch) -> None:
    monkeypatch.setattr(
        oidc.httpx, "get", lambda *_a, **_k: (_ for _ in ()).throw(httpx.ConnectError("away"))
    )
    answer = browser.get("/login/oidc")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
