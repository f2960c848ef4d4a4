"""Who looks after a resident, and how far: named by the residents, limited and removed by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError

MAX_GUARDIANS = 10
_QUERIES = sql.load("households")


class GuardianRight(StrEnum):
    """What a resident may let a guardian do."""

    LOOK = "look"  # live view, a picture taken now
    TALK = "talk"  # with who stands at the door
    HISTORY = "history"  # the door's day, evidence
    ALARMS = "alarms"  # see alarms as they go, call for help


@dataclass(frozen=True, slots=True)
class Guardian:
    """One guardian of one home; signs in as `user_id`."""

    user_id: str
    name: str
    relation: str
    phone: str
    rights: frozenset[GuardianRight]
    added_at: datetime
    added_by: str


def _row(household_id: str, user_id: str, rights: Iterable[GuardianRight]) -> dict[str, object]:
    return {
        "household_id": household_id,
        "user_id": user_id,
        "rights": sorted(right.value for right in set(rights)),
    }


def add_guardian(
    conn: Connection,
    household_id: str,
    user_id: str,
    *,
    name: str,
    relation: str,
    phone: str,
    rights: Iterable[GuardianRight],
    by: str,
    now: datetime,
) -> None:
    """Name a guardian. Raises `Conflict` when there are `MAX_GUARDIANS` or they are one already,
    `PermanentError` without a name.
    """
    if not name.strip():
        raise PermanentError("a guardian has a name", "guardian.name")
    if len(list_guardians(conn, household_id)) >= MAX_GUARDIANS:
        raise Conflict(
            f"a home has at most {MAX_GUARDIANS} guardians; remove one first", "guardian.most"
        )
    given = _row(household_id, user_id, rights) | {
        "name": name.strip(), "relation": relation.strip(), "phone": phone.strip(),
        "by": by, "now": now,
    }  # fmt: skip
    if conn.execute(_QUERIES["add_guardian"], given).fetchone() is None:
        raise Conflict(f"{user_id} is a guardian of this home already", "guardian.already")


def limit_guardian(
    conn: Connection, household_id: str, user_id: str, rights: Iterable[GuardianRight]
) -> None:
    """Let a guardian do exactly this from now on. Raises `NotFound`."""
    given = _row(household_id, user_id, rights)
    if conn.execute(_QUERIES["limit_guardian"], given).fetchone() is None:
        raise NotFound("no such guardian of this home", "guardian.unknown")


def remove_guardian(conn: Connection, household_id: str, user_id: str, now: datetime) -> None:
    """End it; who was guardian and when is kept. Raises `NotFound`."""
    given = {"household_id": household_id, "user_id": user_id, "now": now}
    if conn.execute(_QUERIES["remove_guardian"], given).fetchone() is None:
        raise NotFound("no such guardian of this home", "guardian.unknown")


def list_guardians(conn: Connection, household_id: str) -> list[Guardian]:
    """Return the guardians of a home, the longest standing first."""
    rows = conn.execute(_QUERIES["guardians"], {"household_id": household_id}).fetchall()
    return [
        Guardian(**(row | {"rights": frozenset(map(GuardianRight, row["rights"]))})) for row in rows
    ]


def rights_of(conn: Connection, household_id: str, user_id: str) -> frozenset[GuardianRight]:
    """Return what a guardian may do at a home; nothing when they are none."""
    given = {"household_id": household_id, "user_id": user_id}
    row = conn.execute(_QUERIES["guardian_rights"], given).fetchone()
    return frozenset(map(GuardianRight, row["rights"])) if row else frozenset()
