"""Who may do what: one table, and the decision over it, without I/O.

A right is granted to a role with a reach: to homes of one's own, to homes while they have an open
incident, to a district. Whoever is bound to a district never reaches out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from app.accounts.principal import Principal, Role
from core.errors import NotFound, Refused


class Right(StrEnum):
    """What somebody wants; stands in the access log as the action."""

    # a home
    EVENTS = "events"
    DEVICES = "devices"
    EVIDENCE = "evidence"
    VIEWS = "views"
    SOS = "sos"
    INCIDENTS = "incidents"
    CANCEL = "cancel"
    HOME = "home"  # how it stands: mode, devices, an incident as it goes
    LIVE = "live"  # look through its cameras
    TALK = "talk"  # with who stands at the door
    COMMAND = "command"  # siren, light, a recorded warning
    MODE = "mode"
    GUARDIANS = "guardians"
    CARE = "care"  # when its silence is asked after
    CONTACTS = "contacts"  # who is told of what happens at its door
    ADD_CONTACT = "contact.add"  # an address that the service will call
    MAINTAIN = "maintain"  # restart and update devices, what they are behind
    ON_TEST = "on_test"  # say that somebody works there; mutes nothing
    # dispatch
    BOARD = "board"
    HANDLE = "incident"
    # the service
    HISTORY = "history"
    HOMES = "homes"
    RESPONDERS = "responders"
    RULES = "rules"
    FIGURES = "figures"
    AUDIT = "audit"
    EXPORT = "export"
    USERS = "users"


class Reach(StrEnum):
    """How far a right goes."""

    OWN_HOME = "own home"
    OPEN_INCIDENT = "open incident"  # of the district
    REASON = "stated reason"  # the same, or any home of the district for a reason in words
    DISTRICT = "district"  # every home of it, and figures about it


Grants: TypeAlias = "dict[Role, Reach]"


def _to(reach: Reach, *roles: Role) -> Grants:
    return dict.fromkeys(roles, reach)


_HOME = _to(Reach.OWN_HOME, Role.RESIDENT)
_HOME_OR_FAMILY = _to(Reach.OWN_HOME, Role.RESIDENT, Role.GUARDIAN)
_INCIDENT = _to(Reach.OPEN_INCIDENT, Role.OPERATOR, Role.SUPERVISOR)
_DISPATCH = _to(Reach.OPEN_INCIDENT, Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR)
_FOR_A_REASON = _to(Reach.REASON, Role.OPERATOR, Role.SUPERVISOR)
_LEADERS = _to(Reach.DISTRICT, Role.SUPERVISOR, Role.OFFICER, Role.ADMINISTRATOR)

GRANTS: dict[Right, Grants] = {
    Right.EVENTS: _HOME_OR_FAMILY | _INCIDENT,
    Right.DEVICES: _HOME | _INCIDENT | _to(Reach.DISTRICT, Role.TECHNICIAN),
    Right.EVIDENCE: _HOME_OR_FAMILY | _INCIDENT,
    Right.VIEWS: _HOME,
    Right.SOS: _HOME_OR_FAMILY,
    Right.INCIDENTS: _HOME_OR_FAMILY,
    Right.CANCEL: _HOME,  # who knows the code word lives there
    Right.HOME: _HOME_OR_FAMILY,
    Right.LIVE: _HOME_OR_FAMILY | _FOR_A_REASON,
    Right.TALK: _HOME_OR_FAMILY | _FOR_A_REASON,
    Right.COMMAND: _HOME | _FOR_A_REASON,
    Right.MODE: _HOME,
    Right.GUARDIANS: _HOME,
    Right.CARE: _HOME | _LEADERS,
    Right.CONTACTS: _HOME | _LEADERS,
    # not residents: what calls out is typed in by those who run the service
    Right.ADD_CONTACT: _LEADERS,
    Right.MAINTAIN: _to(Reach.DISTRICT, Role.TECHNICIAN, Role.ADMINISTRATOR),
    Right.ON_TEST: _to(Reach.DISTRICT, Role.TECHNICIAN, Role.SUPERVISOR, Role.ADMINISTRATOR),
    Right.BOARD: _DISPATCH,
    Right.HANDLE: _DISPATCH,
    Right.HISTORY: _LEADERS,
    Right.HOMES: _LEADERS | _to(Reach.DISTRICT, Role.TECHNICIAN),
    Right.RESPONDERS: _LEADERS | _to(Reach.DISTRICT, Role.OPERATOR),
    Right.RULES: _LEADERS | _to(Reach.DISTRICT, Role.OPERATOR),
    Right.FIGURES: _LEADERS | _to(Reach.DISTRICT, Role.OPERATOR),
    Right.AUDIT: _LEADERS,
    Right.EXPORT: _LEADERS,
    Right.USERS: _to(Reach.DISTRICT, Role.ADMINISTRATOR),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A home as far as the decision needs it; `open_incident` is its most urgent one."""

    household_id: str
    district: str
    open_incident: int | None = None


class Denied(Refused):
    """The caller may not; what was wanted is kept for the log."""

    def __init__(
        self,
        message: str,
        who: Principal,
        right: Right,
        household_id: str | None,
        code: str = "denied.role",
    ) -> None:
        super().__init__(message, code)
        self.who, self.right, self.household_id = who, right, household_id


class Hidden(NotFound):
    """The caller may not, and does not learn whether there is such a home."""

    def __init__(self, who: Principal, right: Right, household_id: str | None) -> None:
        super().__init__("no such home", "home.unknown")
        self.who, self.right, self.household_id = who, right, household_id


def may(who: Principal, right: Right) -> bool:
    """Say whether the role has the right at all."""
    return who.role in GRANTS[right]


def permit(who: Principal, right: Right) -> Reach:
    """Return how far the right goes; raise `Denied` for a role that has it not."""
    try:
        return GRANTS[right][who.role]
    except KeyError:
        raise Denied(f"the role {who.role} may not: {right}", who, right, None) from None


def reason(
    who: Principal, right: Right, household_id: str, place: Place | None, *, stated: str = ""
) -> dict[str, str | int]:
    """Return the reason that goes into the access log, or raise; `place` None: no such home.

    Residents and guardians learn of no home but their own (`Hidden`). Staff whose right holds
    while a home has an open incident learn nothing of it otherwise, not even whether it exists
    (`Denied`). A home of another district is refused.
    """
    if household_id not in who.households and who.role in (Role.RESIDENT, Role.GUARDIAN):
        raise Hidden(who, right, household_id)
    reach = GRANTS[right].get(who.role)
    if reach is None:
        raise Denied(f"the role {who.role} may not: {right}", who, right, household_id)
    if reach is Reach.OWN_HOME:
        return {"reason": reach.value}
    if place is not None and not who.answers_for(place.district):
        raise Denied(
            "this home is in another district", who, right, household_id, "denied.district"
        )
    if reach is Reach.DISTRICT:
        if place is None:
            raise NotFound("no such home", "home.unknown")
        return {"reason": stated or reach.value, "district": place.district}
    if place is not None and place.open_incident is None and stated and reach is Reach.REASON:
        return {"reason": stated}
    if place is None or place.open_incident is None:
        wanted = " or for a stated reason" if reach is Reach.REASON else ""
        raise Denied(
            f"the role {who.role} sees a home only while it has an open incident{wanted}",
            who,
            right,
            household_id,
            "denied.no_incident",
        )
    said = {"stated": stated} if stated else {}
    return {"reason": Reach.OPEN_INCIDENT.value, "incident_id": place.open_incident, **said}
