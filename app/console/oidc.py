"""Signing in through the city's OpenID Connect provider: code flow with PKCE (RFC 7636).

Who may come in is a user of ours whose subject at the provider an administrator has linked; what
they may do is our own table's matter, never the provider's. The second factor is the provider's.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.accounts.principal import AT_HOME, Principal
from app.accounts.users import find_oidc_user
from app.console.entrance import Entrance, start_of
from core.errors import DatabaseAway, Refused
from core.secrets import new_secret, same
from core.settings import Settings
from core.telemetry import logger

_PATIENCE_S = 5.0
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never `none`, never a shared key
_log = logger(__name__)


def subject_of(claims: dict[str, Any]) -> str:
    """Return what an administrator links to a user: issuer and subject, unique together."""
    return f"{claims['iss']}|{claims['sub']}"


class Provider:
    """One provider, discovered anew at each sign-in: keys may turn over at any time."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = (settings.oidc_issuer or "").rstrip("/")
        self._client = settings.oidc_client or ""
        self._secret = settings.oidc_secret or ""
        self._back = f"{settings.public_url.rstrip('/')}/login/oidc/back"

    def _get(self, address: str) -> dict[str, Any]:
        answer = httpx.get(address, timeout=_PATIENCE_S)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def _metadata(self) -> dict[str, Any]:
        found = self._get(f"{self._issuer}/.well-known/openid-configuration")
        if found.get("issuer", "").rstrip("/") != self._issuer:
            raise Refused("the provider calls itself by another name than the setting")
        return found

    def leave(self) -> tuple[str, dict[str, str]]:
        """Return where to send the browser, and what must come back with it."""
        kept = {"state": new_secret(), "nonce": new_secret(), "verifier": secrets.token_urlsafe(48)}
        challenge = hashlib.sha256(kept["verifier"].encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._back,
            "scope": "openid",
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._metadata()['authorization_endpoint']}?{urlencode(asked)}", kept

    def claims(self, code: str, state: str, kept: object) -> dict[str, Any]:
        """Return who came back, by a token that the provider signed for us and this sign-in.

        `kept` is what `leave` gave this browser. Raises `Refused`, `httpx.HTTPError`, `JoseError`,
        `ValueError`, `KeyError`.
        """
        if not isinstance(kept, dict) or not same(kept["state"], state):
            raise Refused("this sign-in did not begin in this browser")
        metadata = self._metadata()
        answer = httpx.post(
            metadata["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._back,
                "code_verifier": kept["verifier"],
            },
            auth=(self._client, self._secret),
            timeout=_PATIENCE_S,
        )
        token = answer.raise_for_status().json()["id_token"]
        keys = KeySet.import_key_set(self._get(metadata["jwks_uri"]))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": metadata["issuer"]},
            aud={"essential": True, "value": self._client},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": kept["nonce"]},
        ).validate(claims)
        return dict(claims)


def router(entrance: Entrance) -> APIRouter:
    """Return the routes; without a provider in the settings there are none."""
    routes = APIRouter(include_in_schema=False)
    if entrance.desk.settings.oidc_issuer is None:
        return routes
    provider = Provider(entrance.desk.settings)

    @routes.get("/login/oidc")
    def leave(request: Request, *, again: bool = False) -> Response:
        """Go to the provider; `again`: from a window that is open and stays so."""
        try:
            address, kept = provider.leave()
        except (httpx.HTTPError, Refused, ValueError, KeyError) as error:
            _log.warning("the identity provider does not answer", error=str(error))
            return entrance.form(request, "login.oidc.away", 503)
        request.session["oidc"] = kept | {"again": again}
        return RedirectResponse(address, 303)

    # The session's cookie is strict: it does not come along from the provider's page. This step
    # comes back to ourselves, and from here it does.
    @routes.get("/login/oidc/back")
    def back(request: Request) -> Response:
        onward = f"/login/oidc/finish?{request.url.query}"
        return HTMLResponse(entrance.papers.of(request).render("onward.html", onward=onward))

    @routes.get("/login/oidc/finish")
    def finish(request: Request, state: str = "", code: str = "") -> Response:
        kept = request.session.pop("oidc", None)
        try:
            subject = subject_of(provider.claims(code, state, kept))
            found = _let_in(entrance, subject, request.session)
        except (httpx.HTTPError, JoseError, Refused, ValueError, KeyError) as error:
            _log.warning("sign-in at the identity provider failed", error=str(error))
            return entrance.form(request, "login.oidc.failed", 401)
        except DatabaseAway:
            return entrance.form(request, "login.away", 503)
        if found is None:
            _log.warning("nobody is linked to a subject of the provider", subject=subject)
            return entrance.form(request, "login.oidc.unknown", 403, subject=subject)
        entrance.seat(request, *found)
        if kept["again"]:
            return HTMLResponse(entrance.papers.of(request).render("renewed.html"))
        return RedirectResponse(start_of(found[0]), 303)

    return routes


def _let_in(
    entrance: Entrance, subject: str, held: Mapping[str, Any]
) -> tuple[Principal, dict[str, str]] | None:
    with entrance.desk.database.transaction() as conn:
        who = find_oidc_user(conn, subject)
        if who is None or who.role in AT_HOME:
            return None
        return who, entrance.let_in(conn, who, held)
