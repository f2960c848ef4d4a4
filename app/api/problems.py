"""Errors as problem details (RFC 9457): one table from our error tree to HTTP."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from app.api.models import Problem
from app.doors.devices import NotDone
from core.commands import Outcome
from core.errors import (
    Conflict,
    DatabaseAway,
    DoorGuardError,
    IllegalMove,
    NotFound,
    PermanentError,
    Refused,
    TemporaryError,
)
from core.telemetry import logger

MEDIA_TYPE = "application/problem+json"
_log = logger(__name__)

# the first that fits wins, so the narrower ones stand first
_TABLE: tuple[tuple[type[DoorGuardError], int, str, str], ...] = (
    (NotFound, 404, "not-found", "There is no such thing here"),
    (Refused, 403, "refused", "You may not do this"),
    (Conflict, 409, "conflict", "Somebody else was first"),
    (IllegalMove, 409, "illegal-move", "This cannot follow on what has happened"),
    (PermanentError, 400, "bad-request", "The request cannot be carried out"),
    (DatabaseAway, 503, "database-away", "The service is away for a moment; try again"),
    (DoorGuardError, 503, "temporary", "The service is away for a moment; try again"),
)


def problem(
    status: int,
    name: str,
    title: str,
    detail: str = "",
    *,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """Return the response; `members` are added to the body as RFC 9457 allows."""
    return JSONResponse(
        {
            "type": f"urn:doorguard:problem:{name}",
            "title": title,
            "status": status,
            "detail": detail,
            **members,
        },
        status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


# what a device said no with
_NOT_DONE = {
    Outcome.REFUSED: (409, "The device refused"),
    Outcome.BUSY: (409, "Somebody else is using the device"),
    Outcome.AWAY: (503, "The device is off the network"),
    Outcome.SILENT: (504, "The device did not answer in time; it will not do it later"),
}


def of_error(error: DoorGuardError) -> JSONResponse:
    """Return the problem of one of our errors; what is temporary carries `Retry-After`."""
    if isinstance(error, NotDone):
        outcome = error.answer.outcome
        status, title = _NOT_DONE[outcome]
        return problem(status, f"device-{outcome}", title, error.answer.reason)
    status, name, title = next(row[1:] for row in _TABLE if isinstance(error, row[0]))
    if isinstance(error, TemporaryError):
        # what the database said is for the log, not for a stranger
        return problem(
            status, name, title, headers={"Retry-After": str(max(1, math.ceil(error.delay_s)))}
        )
    if isinstance(error, PermanentError) and error.code:
        return problem(status, name, title, str(error), code=error.code)
    return problem(status, name, title, str(error))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route's OpenAPI entry for these problem statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
        for status in statuses
    }


def _route(request: Request) -> str:
    """Return the route's template: the path itself may hold the secret of a page's link."""
    return str(getattr(request.scope.get("route"), "path", "unknown"))


def names_no_address(record: logging.LogRecord) -> bool:
    """Filter of NiceGUI's log: drop its "ADDRESS not found", which may name a page's link, too."""
    return not record.getMessage().endswith(" not found")


# Starlette hands each handler errors of the kind it was installed for, typed as `Exception`.
async def _ours(request: Request, error: Exception) -> Response:
    if isinstance(error, TemporaryError):
        _log.warning("request refused for now", route=_route(request), error=str(error))
    return of_error(cast("DoorGuardError", error))


async def _invalid(_request: Request, error: Exception) -> Response:
    wrong = [
        {"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"]}
        for item in cast("RequestValidationError", error).errors()
    ]
    return problem(422, "invalid", "A parameter is not valid", errors=wrong)


async def _http(_request: Request, error: Exception) -> Response:
    said = cast("HTTPException", error)
    phrase = HTTPStatus(said.status_code).phrase
    return problem(
        said.status_code,
        phrase.lower().replace(" ", "-"),
        phrase,
        said.detail if said.detail != phrase else "",
        headers=dict(said.headers or {}),
    )


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("a request failed", route=_route(request), exc_info=error)
    return problem(500, "internal", "This is a fault of the service; it has been logged")


def install(app: FastAPI) -> None:
    """Answer every error of the API's routes as a problem."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        DoorGuardError: _ours,
        RequestValidationError: _invalid,
        HTTPException: _http,
        Exception: _bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
