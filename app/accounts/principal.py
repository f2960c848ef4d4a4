"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for; nobody has two roles."""

    RESIDENT = "resident"
    GUARDIAN = "guardian"  # family or friend of a resident, for the homes they are named for
    OPERATOR = "operator"  # sits at the board
    SUPERVISOR = "supervisor"  # leads the shift
    OFFICER = "officer"  # answers for the service in a district
    TECHNICIAN = "technician"  # looks after devices
    ADMINISTRATOR = "administrator"


AT_HOME = frozenset({Role.RESIDENT, Role.GUARDIAN})
STAFF = frozenset(Role) - AT_HOME


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user.

    `households` is what a resident lives in or a guardian is named for; empty for staff.
    `district` is where staff are responsible; '' is everywhere. `until` is when the session they
    came by ends (UTC), None by a token; it is no part of who they are.
    """

    user_id: str
    role: Role
    households: frozenset[str] = field(default_factory=frozenset)
    district: str = ""
    until: datetime | None = field(default=None, compare=False)

    def answers_for(self, district: str) -> bool:
        """Say whether a district lies within this user's."""
        return self.district in ("", district)

    def may_send(self, district: str) -> bool:
        """Say whether a responder of a district ('' is everywhere) comes for this user's homes."""
        return not district or self.answers_for(district)
