"""The one way to a door from afar: who may, why, and the line in the access log before it opens."""

from __future__ import annotations

from typing import Any

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api.desk import Credential, Desk, admit, deciding
from app.doors.devices import DoorDevice, NotDone, find
from core.errors import NotFound


def admitted(
    desk: Desk,
    credential: Credential,
    home: str,
    device_id: str,
    right: Right,
    *,
    stated: str = "",
    **detail: str | int | bool,
) -> tuple[Principal, DoorDevice]:
    """Return who is at the door of a home and its device; the look is in the log when this returns.

    `stated` is why, in the words of somebody without an open incident. Raises what
    `permissions.reason` raises, `NotFound` for a device that does not serve the home, 401.
    """
    with deciding(desk) as conn:
        who, why = admit(desk, conn, credential, home, right, stated=stated)
        device = find(conn, device_id, desk.clock)
        if device.household_id != home:
            raise NotFound("no such device of this home")
        _record(desk, conn, who, right.value, device, {**why, **detail})
    return who, device


def not_carried_out(
    desk: Desk, who: Principal, right: Right, device: DoorDevice, error: NotDone, **detail: str
) -> None:
    """Add to the log that nothing came of it."""
    answer = error.answer
    told: dict[str, Any] = {**detail, "outcome": answer.outcome.value, "why": answer.reason}
    with desk.database.transaction() as conn:
        _record(desk, conn, who, f"{right.value}.failed", device, told)


def _record(
    desk: Desk, conn: Any, who: Principal, action: str, device: DoorDevice, detail: dict[str, Any]
) -> None:
    record_access(
        conn,
        actor=who.user_id,
        action=action,
        household_id=device.household_id,
        now=desk.clock.now(),
        detail={**detail, "role": who.role.value, "device": device.device_id},
    )
