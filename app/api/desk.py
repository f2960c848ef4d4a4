"""What every route works with, and the one door through which a home is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias, cast

import psycopg
from anyio import CapacityLimiter
from fastapi import Depends, Request, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from alerts.audit import record_access
from app.accounts.guarding import may_guardian
from app.accounts.permissions import Denied, Hidden, Place, Right, reason
from app.accounts.principal import Principal, Role
from app.accounts.sessions import resume_session
from app.accounts.tokens import authenticate_token
from app.api.around import WayAround
from app.api.home_feed import HomeFeed
from app.api.models import RaiseSos
from app.doors.devices import Devices
from app.doors.talks import Talks
from app.doors.unplugged import Unplugged
from app.doors.views import Views
from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import NotFound, Refused
from core.ports import Cameras, Commands, ObjectStore
from core.settings import Settings
from core.telemetry import logger

READS_AT_ONCE = 4  # of the process's 10 connections; the rest stay free for the board
READ_WAIT_S = 1.0
READ_TIMEOUT_S = 5  # a page of 500 rows takes milliseconds; only a hopeless search takes this long
CALLS_AT_ONCE = 8
HANDOVER = timedelta(hours=1)  # what was just closed stays in reach of who dealt with it
_QUERIES = sql.load("app.api")
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """The wiring of the HTTP side, one per process.

    `urgent` lends the connections that calls for help use and nothing else; without it they use
    `database`. Calls run in threads of their own (`calls`), reads of homes wait for a place
    (`reads`): neither reads nor sign-ins can make a call for help wait. `commands` and `cameras`
    are the way to the devices; without them none can be reached.
    """

    settings: Settings
    database: Database
    clock: Clock
    objects: ObjectStore
    raise_sos: RaiseSos
    urgent: Database | None = None
    around: WayAround | None = None
    commands: Commands = field(default_factory=Unplugged)
    cameras: Cameras = field(default_factory=Unplugged)
    devices: Devices = field(init=False)
    views: Views = field(init=False)
    talks: Talks = field(init=False)
    homes: HomeFeed = field(init=False)
    reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_AT_ONCE))
    calls: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(CALLS_AT_ONCE))

    def __post_init__(self) -> None:
        devices = Devices(self.commands, self.database, self.clock)
        made = {
            "devices": devices,
            "views": Views(devices, self.cameras, self.clock),
            "talks": Talks(devices),
            "homes": HomeFeed(self.database, self.clock),
        }
        for name, part in made.items():
            object.__setattr__(self, name, part)

    @property
    def for_calls(self) -> Database:
        """Where a call for help is checked."""
        return self.urgent or self.database


# These two are coroutines so that they run in the event loop: a call for help must not queue up
# for one of the threads that everything else shares.
async def _desk_of(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


async def _desk_of_socket(socket: WebSocket) -> Desk:
    return cast("Desk", socket.app.state.desk)


# Who is asking: a bearer token, or what the signed cookie of a session at the screens says.
Credential: TypeAlias = str | Mapping[str, Any]


_BEARER = HTTPBearer(
    auto_error=False, description="A token made by `doorguard token USER`; good for 90 days."
)


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def credential_of(connection: HTTPConnection) -> Credential:
    """Return what a request or a socket shows of its caller, or answer 401."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    session: Mapping[str, Any] = connection.scope.get("session") or {}
    if not session or scheme:
        raise _unauthorized("a bearer token is needed: Authorization: Bearer …")
    return session


async def _token_of(
    request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Credential:
    return credential_of(request)


DeskDep = Annotated[Desk, Depends(_desk_of)]
SocketDesk = Annotated[Desk, Depends(_desk_of_socket)]
TokenDep = Annotated[Credential, Depends(_token_of)]


async def _read_place(desk: DeskDep) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(READ_WAIT_S):
            await desk.reads.acquire()
    except TimeoutError:
        raise HTTPException(
            503, "too many are reading at this moment; try again", {"Retry-After": "1"}
        ) from None
    try:
        yield
    finally:
        desk.reads.release()


READS_HOME = Depends(_read_place, scope="function")
"""Dependency of every route that reads a home: at most `READS_AT_ONCE` at once, else 503. It is
waited for in the event loop, where waiting holds no thread and no connection."""


def authenticate(desk: Desk, conn: Connection, token: Credential) -> Principal:
    """Return whose token or session this is, or answer 401."""
    try:
        if isinstance(token, str):
            return authenticate_token(conn, token, desk.clock.now())
        return resume_session(conn, token, desk.clock.now())
    except Refused as error:
        raise _unauthorized(str(error)) from None


@contextmanager
def deciding(desk: Desk, database: Database | None = None) -> Iterator[Connection]:
    """Lend a transaction in which rights are decided; a refusal rolls it back and is logged.

    The refusal's own line in the access log is written afterwards: a call that was refused holds
    nothing while it waits for the other writers of that log.
    """
    try:
        with (database or desk.database).transaction() as conn:
            yield conn
    except (Denied, Hidden) as error:
        record_refusal(desk, error)
        raise


def record_refusal(desk: Desk, error: Denied | Hidden) -> None:
    """Write who was refused what, in the access log and in the process's own."""
    who = error.who
    _log.warning("refused", user=who.user_id, role=who.role, right=error.right, why=str(error))
    with desk.database.transaction() as conn:
        record_access(
            conn,
            actor=who.user_id,
            action="refused",
            household_id=error.household_id,
            now=desk.clock.now(),
            detail={"right": error.right.value, "role": who.role.value},
        )


def place_of(conn: Connection, household_id: str) -> Place | None:
    """Return a home as far as rights need it; None when there is no such home."""
    row = conn.execute(_QUERIES["home"], {"household_id": household_id}).fetchone()
    return Place(**row) if row else None


def incident_place(conn: Connection, incident_id: int, now: datetime) -> Place:
    """Return the home of an incident, open or closed within `HANDOVER`; raise `NotFound`.

    What was closed earlier is no reason to see the home: `open_incident` is None then.
    """
    given = {"incident_id": incident_id, "closed_since": now - HANDOVER}
    row = conn.execute(_QUERIES["home_of_incident"], given).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    return Place(**row)


def admit(
    desk: Desk, conn: Connection, token: Credential, home: str, right: Right, *, stated: str = ""
) -> tuple[Principal, dict[str, Any]]:
    """Return who is asking and the reason that lets them; raise what `permissions.reason` does.

    A guardian may do what the residents of the home let them.
    """
    who = authenticate(desk, conn, token)
    place = place_of(conn, home)
    why = reason(who, right, home, place, stated=stated)
    if place is None:
        raise NotFound("no such home", "home.unknown")
    if who.role is Role.GUARDIAN and not may_guardian(conn, who, right, home):
        raise Denied("the residents did not give this right", who, right, home, "denied.not_given")
    return who, why


@contextmanager
def limited(conn: Connection) -> Iterator[None]:
    """End a statement that takes longer than `READ_TIMEOUT_S`, and answer 503."""
    conn.execute(_QUERIES["limit_time"], {"limit": f"{READ_TIMEOUT_S}s"})
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise HTTPException(
            503,
            f"this took longer than {READ_TIMEOUT_S} s; ask for a shorter time",
            {"Retry-After": str(READ_TIMEOUT_S)},
        ) from None


@contextmanager
def opened_home(
    desk: Desk, token: Credential, household_id: str, right: Right
) -> Iterator[Connection]:
    """Lend a transaction in which the home may be read; at its end the look is logged.

    No read without its log line: they commit or fail together, so give nothing away before the
    block has ended. The line comes last because writers of the access log queue up until the one
    before has committed: a slow read must not stop them. Raises what `permissions.reason` raises,
    `NotFound` for a removed home, 401 for a token that does not hold, and 503 when a statement
    takes longer than `READ_TIMEOUT_S`.
    """
    with deciding(desk) as conn:
        with limited(conn):
            who, why = admit(desk, conn, token, household_id, right)
            yield conn
        record_access(
            conn,
            actor=who.user_id,
            action=right.value,
            household_id=household_id,
            now=desk.clock.now(),
            detail=why | {"role": who.role.value},
        )


def caller(desk: Desk, token: Credential, household_id: str, right: Right = Right.SOS) -> Principal:
    """Return who may call for help from this home; raises as `opened_home` does.

    One short transaction, and no line in the access log, whose writers queue up: a call for help
    is no look, and the incident's own log has it.
    """
    with deciding(desk, desk.for_calls) as conn, limited(conn):
        return admit(desk, conn, token, household_id, right)[0]


def caller_around(around: WayAround, token: Credential, household_id: str) -> Principal:
    """Return who may call for help from this home, with the database away; raises as `caller`."""
    try:
        who = around.caller(token if isinstance(token, str) else str(token.get("session")))
    except Refused as error:
        raise _unauthorized(str(error)) from None
    reason(who, Right.SOS, household_id, None)
    return who


def incident_state(conn: Connection, incident_id: int) -> str:
    """Return the state an incident is in."""
    row = conn.execute(_QUERIES["incident_state"], {"incident_id": incident_id}).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    return str(row["state"])


def fetch_all(conn: Connection, name: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one of this package's named queries."""
    return conn.execute(_QUERIES[name], given).fetchall()
