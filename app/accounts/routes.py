"""The right that each route asks for. One that is not in this table keeps the app from starting.

What a right grants to whom stands in `app.accounts.permissions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TypeAlias

from starlette.routing import BaseRoute, WebSocketRoute

from app.accounts.permissions import Right
from core.errors import ConfigurationError


class Open(StrEnum):
    """Why a route asks for no right."""

    PUBLIC = "nothing of a home is in it"
    SIGNED_IN = "about the session itself"
    LINK = "the secret is in the address"
    LOOPBACK = "this machine alone"


Route: TypeAlias = "tuple[str, str]"  # method, path

ROUTES: dict[Route, Right | Open] = {
    ("GET", "/v1/households/{id}/events"): Right.EVENTS,
    ("GET", "/v1/households/{id}/devices"): Right.DEVICES,
    ("GET", "/v1/households/{id}/evidence/{sha256}"): Right.EVIDENCE,
    ("GET", "/v1/households/{id}/views"): Right.VIEWS,
    ("POST", "/v1/households/{id}/sos"): Right.SOS,
    ("GET", "/v1/households/{id}/incidents"): Right.INCIDENTS,
    ("POST", "/v1/households/{id}/incidents/{incident}/cancel"): Right.CANCEL,
    ("GET", "/v1/me"): Open.SIGNED_IN,
    ("GET", "/v1/households/{id}/now"): Right.HOME,
    ("GET", "/v1/households/{id}/changes"): Right.HOME,
    ("GET", "/v1/households/{id}/door"): Right.EVENTS,
    ("PUT", "/v1/households/{id}/mode"): Right.MODE,
    ("GET", "/v1/households/{id}/guardians"): Right.GUARDIANS,
    ("POST", "/v1/households/{id}/guardians"): Right.GUARDIANS,
    ("PUT", "/v1/households/{id}/guardians/{user}"): Right.GUARDIANS,
    ("DELETE", "/v1/households/{id}/guardians/{user}"): Right.GUARDIANS,
    ("GET", "/v1/households/{id}/on-test"): Right.ON_TEST,
    ("PUT", "/v1/households/{id}/on-test"): Right.ON_TEST,
    ("DELETE", "/v1/households/{id}/on-test"): Right.ON_TEST,
    ("GET", "/v1/households/{id}/care"): Right.CARE,
    ("PUT", "/v1/households/{id}/care"): Right.CARE,
    ("DELETE", "/v1/households/{id}/care"): Right.CARE,
    ("GET", "/v1/households/{id}/contacts"): Right.CONTACTS,
    ("POST", "/v1/households/{id}/contacts"): Right.ADD_CONTACT,
    ("DELETE", "/v1/households/{id}/contacts/{contact}"): Right.CONTACTS,
    ("GET", "/v1/households/{id}/devices/{device}/snapshot"): Right.LIVE,
    ("WS", "/v1/households/{id}/devices/{device}/live"): Right.LIVE,
    ("WS", "/v1/households/{id}/devices/{device}/talk"): Right.TALK,
    ("POST", "/v1/devices/{device}/commands"): Right.COMMAND,  # MAINTAIN for some: app.api.commands
    ("PUT", "/v1/devices/{device}/behind"): Right.MAINTAIN,
    ("DELETE", "/v1/devices/{device}/behind"): Right.MAINTAIN,
    ("GET", "/v1/incidents/{id}"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/acknowledge"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/take-over"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/verify"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/level"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/close"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/reopen"): Right.HANDLE,
    ("GET", "/v1/households/{id}/cases/{device}/{case}"): Right.EVIDENCE,
    ("GET", "/v1/households/{id}/cases/{device}/{case}/pictures/{sha256}"): Right.EVIDENCE,
    ("GET", "/v1/households/{id}/cases/{device}/{case}/film.mp4"): Right.EVIDENCE,
    ("GET", "/v1/incidents/{id}/calls"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/calls"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/calls/{call}/steps/{step}"): Right.HANDLE,
    ("POST", "/v1/incidents/{id}/calls/{call}/end"): Right.HANDLE,
    ("GET", "/v1/incidents/{id}/export"): Right.EXPORT,
    ("GET", "/v1/figures"): Right.FIGURES,
    ("GET", "/v1/rosters"): Right.RESPONDERS,
    ("GET", "/v1/responders"): Right.RESPONDERS,
    ("POST", "/v1/pages/{token}/accept"): Open.LINK,
    ("POST", "/v1/pages/{token}/decline"): Open.LINK,
    ("POST", "/v1/pages/{token}/departed"): Open.LINK,
    ("POST", "/v1/pages/{token}/arrived"): Open.LINK,
    ("GET", "/v1/pages/{token}"): Open.LINK,
    ("POST", "/v1/pages/{token}/sharing"): Open.LINK,
    ("DELETE", "/v1/pages/{token}/sharing"): Open.LINK,
    ("POST", "/v1/pages/{token}/position"): Open.LINK,
    ("POST", "/v1/pages/{token}/done"): Open.LINK,
    ("GET", "/page/{token}"): Open.LINK,
    ("GET", "/responder/{token}"): Open.LINK,
    ("GET", "/page/{token}/evidence/{sha256}"): Open.LINK,
    ("GET", "/"): Right.BOARD,
    ("GET", "/home"): Right.HOME,
    ("GET", "/console/door"): Right.LIVE,
    ("GET", "/console/evidence/{incident_id}/{sha256}"): Right.HANDLE,
    ("GET", "/console/figures"): Right.FIGURES,
    ("GET", "/console/history"): Right.HISTORY,
    ("GET", "/console/history/{incident_id}"): Right.HISTORY,
    ("GET", "/console/homes"): Right.HOMES,
    ("POST", "/console/homes/{household}/on-test"): Right.ON_TEST,
    ("POST", "/console/homes/{household}/off-test"): Right.ON_TEST,
    ("GET", "/console/homes/{household}"): Right.HOMES,
    ("POST", "/console/homes/{household}/care"): Right.CARE,
    ("POST", "/console/homes/{household}/care/end"): Right.CARE,
    ("POST", "/console/homes/{household}/contacts"): Right.ADD_CONTACT,
    ("POST", "/console/homes/{household}/contacts/remove"): Right.CONTACTS,
    ("POST", "/console/homes/{household}/behind"): Right.MAINTAIN,
    ("GET", "/console/responders"): Right.RESPONDERS,
    ("GET", "/console/rules"): Right.RULES,
    ("POST", "/console/rules"): Right.RULES,
    ("GET", "/console/audit"): Right.AUDIT,
    ("GET", "/console/users"): Right.USERS,
    ("POST", "/console/users/add"): Right.USERS,
    ("POST", "/console/users/role"): Right.USERS,
    ("POST", "/console/users/password"): Right.USERS,
    ("POST", "/console/users/telephone"): Right.USERS,
    ("POST", "/console/users/sessions"): Right.USERS,
    ("POST", "/console/users/remove"): Right.USERS,
    ("GET", "/console/account"): Open.SIGNED_IN,
    ("GET", "/login"): Open.PUBLIC,
    ("POST", "/login"): Open.PUBLIC,
    ("GET", "/login/code"): Open.PUBLIC,
    ("POST", "/login/code"): Open.PUBLIC,
    ("GET", "/login/enrol"): Open.SIGNED_IN,
    ("POST", "/login/enrol"): Open.SIGNED_IN,
    ("GET", "/login/oidc"): Open.PUBLIC,
    ("GET", "/login/oidc/back"): Open.PUBLIC,
    ("GET", "/login/oidc/finish"): Open.PUBLIC,
    ("POST", "/logout"): Open.SIGNED_IN,
    ("GET", "/healthz"): Open.PUBLIC,
    ("GET", "/metrics"): Open.LOOPBACK,
    ("GET", "/openapi.json"): Open.PUBLIC,
    ("GET", "/docs"): Open.PUBLIC,
    ("GET", "/docs/oauth2-redirect"): Open.PUBLIC,
}
# what is no page: files, what is not there, and NiceGUI's own; each page of it stands above
PREFIXES = ("/console/static", "/static-offline-docs", "/_nicegui", "/v1/{rest:path}")


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """Yield method and path of everything that answers, through routers and mounted applications.

    `HEAD` goes with `GET`; a WebSocket is `WS`.
    """
    for route in routes:
        router = getattr(route, "original_router", None) or getattr(route, "app", None)
        path = getattr(route, "path", "")
        if not path and not hasattr(route, "methods"):
            yield from routes_of(getattr(router, "routes", ()))
            continue
        if isinstance(route, WebSocketRoute):
            yield "WS", path
            continue
        for method in sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"}):
            yield method, path


def check(routes: Iterable[BaseRoute]) -> None:
    """Raise `ConfigurationError` naming the routes whose right nobody has written down."""
    missing = sorted(
        f"{method} {path}"
        for method, path in routes_of(routes)
        if (method, path) not in ROUTES and not path.startswith(PREFIXES)
    )
    if missing:
        raise ConfigurationError(f"app/accounts/routes.py does not say who may: {missing}")
