"""What of the API a guardian's rights open; the residents give them (`households.guardians`)."""

from __future__ import annotations

from app.accounts.permissions import Right
from app.accounts.principal import Principal
from core.database import Connection
from households.guardians import GuardianRight, rights_of

OPENS: dict[GuardianRight, frozenset[Right]] = {
    GuardianRight.LOOK: frozenset({Right.LIVE}),
    GuardianRight.TALK: frozenset({Right.TALK}),
    GuardianRight.HISTORY: frozenset({Right.EVENTS, Right.EVIDENCE}),
    GuardianRight.ALARMS: frozenset({Right.SOS, Right.INCIDENTS}),
}
ALWAYS = frozenset({Right.HOME})  # that the home is there, and whether it is well


def opened_by(given: frozenset[GuardianRight]) -> frozenset[Right]:
    """Return the rights of the API that a guardian has who was given these."""
    return ALWAYS.union(*(OPENS[right] for right in given))


def may_guardian(conn: Connection, who: Principal, right: Right, household_id: str) -> bool:
    """Say whether a guardian was let do this at a home."""
    return right in opened_by(rights_of(conn, household_id, who.user_id))
