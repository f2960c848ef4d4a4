"""The one way to a door from afar: who may, why, and the line in the access log before it opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api.desk import Credential, Desk, admit, authenticate, deciding
from app.doors.devices import DoorDevice, NotDone, find
from core.database import Connection
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is at which door, by what right, and what the log says of it."""

    who: Principal
    device: DoorDevice
    right: Right
    detail: Mapping[str, Any]


def admitted(
    desk: Desk,
    credential: Credential,
    device_id: str,
    right: Right,
    *,
    home: str | None = None,
    stated: str = "",
    **detail: str | int | bool,
) -> Admission:
    """Let somebody to a door, which must be that of `home` where one is named; the look is in the
    log when this returns.

    `stated` is why, in the words of somebody without an open incident. Raises what
    `permissions.reason` raises, `NotFound` for a device that is not there, 401.
    """
    with deciding(desk) as conn:
        authenticate(desk, conn, credential)  # first: a stranger learns of no device
        if home is None:
            home = find(conn, device_id, desk.clock).household_id
        who, why = admit(desk, conn, credential, home, right, stated=stated)
        device = find(conn, device_id, desk.clock)
        if device.household_id != home:
            raise NotFound("no such device of this home", "device.unknown")
        admission = Admission(who, device, right, {**why, **detail})
        _record(desk, conn, admission, right.value, admission.detail)
    return admission


def not_carried_out(desk: Desk, admission: Admission, error: NotDone) -> None:
    """Add to the log that nothing came of it, with the same reason: who may not read of the one
    line may not read of the other (`GET .../views`).
    """
    outcome = {"outcome": error.answer.outcome.value, "why": error.answer.reason}
    with desk.database.transaction() as conn:
        _record(
            desk,
            conn,
            admission,
            f"{admission.right.value}.failed",
            {**admission.detail, **outcome},
        )


def _record(
    desk: Desk, conn: Connection, admission: Admission, action: str, detail: Mapping[str, Any]
) -> None:
    record_access(
        conn,
        actor=admission.who.user_id,
        action=action,
        household_id=admission.device.household_id,
        now=desk.clock.now(),
        detail={
            **detail,
            "role": admission.who.role.value,
            "device": admission.device.device_id,
        },
    )
