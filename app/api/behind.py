"""`/v1/devices/{device}/behind`: through which device another connects."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.accounts.permissions import Right, reason
from app.accounts.principal import Principal
from app.api import caring_models
from app.api.acting import Acting, acting_at
from app.api.commands import DeviceId
from app.api.desk import Credential, Desk, DeskDep, TokenDep, authenticate, deciding, place_of
from app.api.problems import responses
from app.doors.devices import find
from core.database import Connection
from core.errors import NotFound
from gateway import supervision

router = APIRouter(prefix="/v1/devices/{device}/behind", tags=["devices"])


@router.put(
    "",
    summary="Note what a device connects through",
    responses=responses(400, 401, 403, 404, 422, 503),
)
def put(
    desk: DeskDep, token: TokenDep, device: DeviceId, given: caring_models.Behind
) -> caring_models.Behind:
    """While the gateway is silent, `device.offline` of what is behind it opens nothing of its own.

    The gateway may stand in another home, of the same district where the caller is bound to one.
    """
    _connect(desk, token, device, given.gateway)
    return given


@router.delete(
    "",
    summary="A device connects through no other",
    status_code=204,
    responses=responses(401, 403, 404, 422, 503),
)
def end(desk: DeskDep, token: TokenDep, device: DeviceId) -> Response:
    _connect(desk, token, device, None)
    return Response(status_code=204)


def _connect(desk: Desk, token: Credential, device: str, gateway: str | None) -> None:
    with deciding(desk) as conn:
        authenticate(desk, conn, token)  # first: a stranger learns of no device
        home = find(conn, device, desk.clock).household_id
    with acting_at(desk, token, home, Right.MAINTAIN) as acting:
        of_home(desk, acting.conn, device, home)  # it may have moved meanwhile
        may_connect(desk, acting.conn, acting.who, gateway)
        connect(acting, device, gateway)


def of_home(desk: Desk, conn: Connection, device: str, home: str) -> None:
    """Raise `NotFound` for a device that does not serve this home."""
    if find(conn, device, desk.clock).household_id != home:
        raise NotFound("no such device of this home", "device.unknown")


def may_connect(desk: Desk, conn: Connection, who: Principal, gateway: str | None) -> None:
    """Raise `NotFound`, or `Denied` for a gateway out of the caller's district."""
    if gateway is not None:
        home = find(conn, gateway, desk.clock).household_id
        reason(who, Right.MAINTAIN, home, place_of(conn, home))


def connect(acting: Acting, device: str, gateway: str | None) -> None:
    """Note it, and say so in the log; raises what `supervision.put_behind` does."""
    supervision.put_behind(acting.conn, device, gateway)
    acting.told.update(device=device, behind=gateway)
