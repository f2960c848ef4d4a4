"""When a home has been silent for too long: a decision, without I/O.

The door's own silence is the sign (people who die alone unnoticed). It counts in waking hours, by
the clock on the wall: who sleeps opens no door.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import PermanentError

# Somebody who lives there did something. A bell and whoever stands before the door say nothing of
# that; a door held open does not either.
SIGNS = (
    "door.opened", "door.closed", "door.locked", "door.unlocked",
    "sos.pressed", "sos.cancelled", "sos.test", "duress.pressed",
)  # fmt: skip
LONGEST_H = 240
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CareRule:
    """After `silent_after_h` waking hours without a sign somebody asks how the resident is.

    Waking time is [waking_from, waking_to), local, and may cross midnight.
    """

    silent_after_h: int
    waking_from: time = time(7)
    waking_to: time = time(22)

    def __post_init__(self) -> None:
        if not 1 <= self.silent_after_h <= LONGEST_H:
            hours = f"1 to {LONGEST_H} waking hours"
            raise PermanentError(
                f"silent for {self.silent_after_h} h: {hours}", "care.hours", longest=LONGEST_H
            )
        if self.waking_from == self.waking_to:
            raise PermanentError("the waking time begins when it ends", "care.waking")


def silent_at(rule: CareRule, last_sign: datetime, timezone: str) -> datetime:
    """Return when the home will have been silent for too long if no other sign comes."""
    zone = ZoneInfo(timezone)
    left = timedelta(hours=rule.silent_after_h)
    day = last_sign.astimezone(zone).date() - _DAY
    while True:
        over_night = _DAY if rule.waking_to < rule.waking_from else timedelta(0)
        begins = datetime.combine(day, rule.waking_from, zone).astimezone(UTC)
        ends = datetime.combine(day + over_night, rule.waking_to, zone).astimezone(UTC)
        begins = max(begins, last_sign)
        if ends > begins:
            if ends - begins >= left:
                return begins + left
            left -= ends - begins
        day += _DAY
