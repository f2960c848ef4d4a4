"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for; nobody has two roles."""

    RESIDENT = "resident"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user. `households` is what a resident lives in; empty for staff."""

    user_id: str
    role: Role
    households: frozenset[str] = field(default_factory=frozenset)
