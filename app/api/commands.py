"""`/v1/devices/{device}/commands`: tell a device what to do, and hear what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from app.accounts.permissions import Right
from app.api import home_models
from app.api.desk import DeskDep, TokenDep
from app.api.doorway import admitted, not_carried_out
from app.api.problems import responses
from app.doors.devices import NotDone
from core.commands import checked
from core.errors import PermanentError

# Views and talks have roads of their own, which end them when nobody looks or talks any more.
RIGHTS: dict[str, Right] = {
    "siren.on": Right.COMMAND,
    "siren.off": Right.COMMAND,
    "light.on": Right.COMMAND,
    "light.off": Right.COMMAND,
    "announce": Right.COMMAND,
    "identify": Right.MAINTAIN,
    "reboot": Right.MAINTAIN,
    "update": Right.MAINTAIN,
}

DeviceId = Annotated[
    str, Path(alias="device", pattern="^[a-z0-9][a-z0-9-]{3,39}$", description="The device's id")
]
router = APIRouter(prefix="/v1/devices/{device}", tags=["devices"])


@router.post(
    "/commands",
    summary="Tell a device what to do",
    response_model=home_models.CommandDone,
    responses=responses(400, 401, 403, 404, 409, 422, 503, 504),
)
def command(
    desk: DeskDep, token: TokenDep, device_id: DeviceId, given: home_models.GiveCommand
) -> home_models.CommandDone:
    """Answered when the device has: done, or a problem that says `device-refused` (409),
    `device-busy` (409), `device-away` (503) or `device-silent` (504). What is not answered in time
    has expired and will not be carried out later.
    """
    right = RIGHTS.get(given.type)
    if right is None:
        raise PermanentError(f"{given.type[:60]!r} is not given here; there is {', '.join(RIGHTS)}")
    checked(given.type, given.data)
    admission = admitted(desk, token, device_id, right, stated=given.reason, command=given.type)
    try:
        answer = desk.devices.ask(admission.device, given.type, given.data)
    except NotDone as error:
        not_carried_out(desk, admission, error)
        raise
    return home_models.CommandDone(command_id=answer.command_id, data=dict(answer.data))
