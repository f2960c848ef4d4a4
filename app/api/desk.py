"""What every route works with, and the one door through which a home is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from alerts.audit import record_access
from app.accounts.principal import Principal
from app.accounts.tokens import authenticate_token
from app.api.access import Look, reason
from app.api.models import RaiseSos
from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import NotFound, Refused
from core.ports import ObjectStore
from core.settings import Settings

_QUERIES = sql.load("app.api")


@dataclass(frozen=True, slots=True)
class Desk:
    """The wiring of the HTTP side, one per process."""

    settings: Settings
    database: Database
    clock: Clock
    objects: ObjectStore
    raise_sos: RaiseSos


def _desk_of(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


_BEARER = HTTPBearer(
    auto_error=False, description="A token made by `doorguard token USER`; good for 90 days."
)


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def _token_of(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> str:
    if given is None:
        raise _unauthorized("a bearer token is needed: Authorization: Bearer …")
    return given.credentials


DeskDep = Annotated[Desk, Depends(_desk_of)]
TokenDep = Annotated[str, Depends(_token_of)]


def authenticate(desk: Desk, conn: Connection, token: str) -> Principal:
    """Return whose token this is, or answer 401."""
    try:
        return authenticate_token(conn, token, desk.clock.now())
    except Refused as error:
        raise _unauthorized(str(error)) from None


def _admit(desk: Desk, conn: Connection, token: str, home: str, look: Look) -> Principal:
    who = authenticate(desk, conn, token)
    row = conn.execute(_QUERIES["home"], {"household_id": home}).fetchone()
    why = reason(who, home, look, open_incident=row["open_incident"] if row else None)
    if row is None:
        raise NotFound("no such home")
    if look is not Look.SOS:  # a call for help is no look; the incident's log has it
        record_access(
            conn,
            actor=who.user_id,
            action=look.value,
            household_id=home,
            now=desk.clock.now(),
            detail=why | {"role": who.role.value},
        )
    return who


@contextmanager
def opened_home(
    desk: Desk, token: str, household_id: str, look: Look
) -> Iterator[tuple[Connection, Principal]]:
    """Lend a transaction in which the home may be read, with the look already in the access log.

    No read without its log line: they commit or fail together. Raises what `access.reason`
    raises, `NotFound` for a removed home, and 401 for a token that does not hold.
    """
    with desk.database.transaction() as conn:
        yield conn, _admit(desk, conn, token, household_id, look)


def incident_state(conn: Connection, incident_id: int) -> str:
    """Return the state an incident is in."""
    row = conn.execute(_QUERIES["incident_state"], {"incident_id": incident_id}).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}")
    return str(row["state"])


def fetch_all(conn: Connection, name: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one of this package's named queries."""
    return conn.execute(_QUERIES[name], given).fetchall()
