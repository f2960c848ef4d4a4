"""Which home a device served at a given time; pure, over rows of the assignment history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Assignment:
    """A device served a home from `valid_from` up to, not including, `valid_to` (None: still)."""

    household_id: str
    valid_from: datetime
    valid_to: datetime | None


def history(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Assignment]]:
    """Return the assignments of each device, oldest first."""
    found: dict[str, list[Assignment]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append(
            Assignment(row["household_id"], row["valid_from"], row["valid_to"])
        )
    for assignments in found.values():
        assignments.sort(key=lambda assignment: assignment.valid_from)
    return found


def household_at(assignments: list[Assignment], at: datetime) -> str | None:
    """Return the home the device served at `at`, None when it served none.

    Before its first installation a device has no past that could be a stranger's: an event from
    then (a clock a little behind, a press during installation) belongs to the first home.
    """
    if assignments and at < assignments[0].valid_from:
        return assignments[0].household_id
    for assignment in assignments:
        if assignment.valid_from <= at and (
            assignment.valid_to is None or at < assignment.valid_to
        ):
            return assignment.household_id
    return None
