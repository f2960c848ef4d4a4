"""The FastAPI application of the API: routes, problems, documentation without the internet."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from app.api import (
    behind,
    cancelling,
    care,
    cases,
    commands,
    contacts,
    emergency_calls,
    export,
    figures,
    guardians,
    health,
    home,
    households,
    incidents,
    live,
    me,
    on_test,
    pages,
    problems,
    responders,
    rosters,
    talk,
)
from app.api.desk import Desk
from app.api.headers import SecurityHeaders

_DESCRIPTION = """
What happens at a home, for those who live in it, and for those who come to help.

* **Authentication**: `Authorization: Bearer TOKEN`; a token is made by `doorguard token USER`.
  Pages of the service itself are known by the session they were opened with.
* **A home is seen only by those with a reason**: residents see their own; operators see a home
  while it has an open incident. Administrators read nothing of what happened at a home through
  this API, but they may sit at the board as operators do, and they enrol: care rules, contacts.
  Every look is logged, and the residents can read that log under `views`.
* **At the door**: live view and talk are WebSockets, `/v1/households/{id}/devices/{device}/live`
  and `…/talk`; docs/door.md of the project has their messages. Commands are answered when the
  device has carried them out, or with why not.
* **Errors** are problem details (RFC 9457, `application/problem+json`). `503` carries
  `Retry-After`: nothing was lost, ask again.
* **Times** are RFC 3339, answers in UTC.
"""


def create(desk: Desk) -> FastAPI:
    """Return the API alone; `app.web.build` adds the console."""
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="Door Guard",
        version=version("doorguard"),
        description=_DESCRIPTION,
    )
    app.state.desk = desk
    problems.install(app)
    app.add_middleware(SecurityHeaders, map_tiles=desk.settings.map_tiles)
    for router in (
        households.router,
        cases.router,
        cancelling.router,
        me.router,
        home.router,
        guardians.router,
        on_test.router,
        care.router,
        contacts.router,
        commands.router,
        behind.router,
        live.router,
        talk.router,
        incidents.router,
        emergency_calls.router,
        export.router,
        pages.router,
        figures.router,
        rosters.router,
        responders.router,
        health.router,
    ):
        app.include_router(router)
    app.add_api_route(
        "/v1/{rest:path}",
        _unknown,
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        include_in_schema=False,
    )
    return app


def _unknown(rest: str) -> None:
    """Answer what is not there as a problem, before the console's pages answer it in HTML."""
    raise HTTPException(404, f"there is no /v1/{rest}")
