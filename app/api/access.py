"""Who may look into a home, and why: a decision without I/O."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from app.accounts.principal import Principal, Role
from core.errors import NotFound, Refused

HANDOVER = timedelta(hours=1)  # what was just closed stays in an operator's reach


class Look(StrEnum):
    """What somebody wants of a home; stands in the access log as the action."""

    EVENTS = "events"
    DEVICES = "devices"
    EVIDENCE = "evidence"
    VIEWS = "views"
    SOS = "sos"
    INCIDENTS = "incidents"


_RESIDENTS_ONLY = frozenset({Look.VIEWS, Look.SOS, Look.INCIDENTS})


def reason(
    who: Principal, household_id: str, look: Look, *, open_incident: int | None
) -> dict[str, Any]:
    """Return the reason that goes into the access log, or raise.

    A resident sees the homes of their own and learns of no other (`NotFound`). An operator sees a
    home while it has an open incident, and learns nothing of it otherwise, not even whether it
    exists (`Refused`). An administrator has no view into homes here (`Refused`), and may sit at
    the board as an operator does.
    """
    if who.role is Role.RESIDENT:
        if household_id not in who.households:
            raise NotFound("no such home")
        return {"reason": "own home"}
    if who.role is Role.OPERATOR and look not in _RESIDENTS_ONLY:
        if open_incident is None:
            raise Refused("an operator sees a home only while it has an open incident")
        return {"reason": "open incident", "incident_id": open_incident}
    raise Refused(f"an {who.role} has no access to this part of a home")
