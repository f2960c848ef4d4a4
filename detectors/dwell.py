"""Stage 7: how long somebody stays, as a table of states and by capture time alone.

    absent → candidate → present → loitering → cleared

A frame count appears nowhere, so a slow camera alerts no later than a fast one and lost frames
lengthen nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

INERTIA_S = 0.6  # seen this long before it is somebody; Frigate's three frames at 5 fps
GRACE_S = 5.0  # unseen or out of the zone this long before it is over
SPOT_RADIUS = 0.7  # body heights, about an arm's length and a step around one's place
ZONE_FACTOR = 2.0  # anywhere in the zone counts after this many T
ESCALATE_FACTOR = 3.0
LIVE_WITHIN_S = 3.0  # the last sign of life may be no older when a stay becomes loitering
LIVED_S = 3.0  # of visible life in all before that
LIVED_SHARE = 0.5  # of the time seen: passing lights liven a thing now and then, people live on


class State(Enum):
    """Where a visit stands."""

    ABSENT = auto()
    CANDIDATE = auto()
    PRESENT = auto()
    LOITERING = auto()
    CLEARED = auto()


class Sign(Enum):
    """What the last look says; `read` gives those that hold, in this order."""

    SEEN = auto()
    SETTLED = auto()
    STAYED = auto()
    STILL_THERE = auto()
    LEFT_ZONE = auto()
    GONE = auto()


# (state, sign) → (next state, event to report); what is not here changes nothing
MOVES: dict[tuple[State, Sign], tuple[State, str | None]] = {
    (State.ABSENT, Sign.SEEN): (State.CANDIDATE, None),
    (State.CANDIDATE, Sign.SETTLED): (State.PRESENT, None),
    (State.CANDIDATE, Sign.GONE): (State.CLEARED, None),
    (State.PRESENT, Sign.STAYED): (State.LOITERING, "loiter.started"),
    (State.PRESENT, Sign.GONE): (State.CLEARED, None),
    (State.LOITERING, Sign.STILL_THERE): (State.LOITERING, "loiter.updated"),
    (State.LOITERING, Sign.LEFT_ZONE): (State.PRESENT, "loiter.ended"),
    (State.LOITERING, Sign.GONE): (State.CLEARED, "loiter.ended"),
}


@dataclass(slots=True)
class Spot:
    """The place somebody keeps to: the mean of their foot points since `since_us`.

    A mean over the whole stay, not a trailing one: a trailing mean follows a slow walker and
    would call a stroll a stay. Leaving it for less than `INERTIA_S` is a slip of the outline.
    """

    since_us: int
    x: float
    y: float
    weight_s: float = 0.0
    away_us: int | None = None

    def look(self, at_us: int, foot: tuple[float, float], height: float, step_s: float) -> None:
        """Take the next foot point; `step_s` is the time it stands for."""
        x, y = foot
        if (x - self.x) ** 2 + (y - self.y) ** 2 <= (SPOT_RADIUS * height) ** 2:
            self.away_us = None
            self.weight_s += step_s
            share = step_s / self.weight_s if self.weight_s else 1.0
            self.x += share * (x - self.x)
            self.y += share * (y - self.y)
        elif self.away_us is None:
            self.away_us = at_us
        elif at_us - self.away_us >= INERTIA_S * 1e6:
            self.since_us, self.away_us = self.away_us, None
            self.x, self.y, self.weight_s = x, y, 0.0


@dataclass(slots=True)
class Visit:
    """One stay of one track, all times in µs of capture time.

    `spot` and `zone_since_us` are None while outside the door zone. `since_us` is when the
    stay began that became loitering, `case` what its evidence is kept under.
    The rest is the person check's: last asked, last seen a person, saw none so far, alarm held.
    """

    first_us: int
    state: State = State.ABSENT
    spot: Spot | None = None
    zone_since_us: int | None = None
    zone_seen_us: int | None = None
    live_us: int | None = None
    live_s: float = 0.0
    seen_s: float = 0.0
    since_us: int | None = None
    escalated: bool = False
    case: str = ""
    checked_us: int | None = None
    person_us: int | None = None
    doubted: bool = False
    held_us: int | None = None

    def place(
        self, at_us: int, foot: tuple[float, float], height: float, step_s: float, *, inside: bool
    ) -> None:
        """Take a sighting: foot point and body height in one unit, `inside` the door zone."""
        if not inside:
            if self.zone_seen_us is None or at_us - self.zone_seen_us >= GRACE_S * 1e6:
                self.spot = self.zone_since_us = None
            return
        start_us = at_us - int(step_s * 0.5e6)  # came between this frame and the one before it
        if self.zone_since_us is None:
            self.zone_since_us = start_us
        if self.spot is None:
            self.spot = Spot(start_us, *foot)
        self.zone_seen_us = at_us
        self.spot.look(at_us, foot, height, step_s)

    def stay(self, at_us: int, threshold_s: float) -> int | None:
        """Return since when the stay lasts that is long enough now, or None."""
        if self.spot is not None and at_us - self.spot.since_us >= threshold_s * 1e6:
            return self.spot.since_us
        if (
            self.zone_since_us is not None
            and at_us - self.zone_since_us >= ZONE_FACTOR * threshold_s * 1e6
        ):
            return self.zone_since_us
        return None

    def step(
        self, at_us: int, threshold_s: float, *, tall: bool, unseen_s: float, coast_s: float
    ) -> str | None:
        """Move through the table by what holds now; return the event to report, if any."""
        reported: str | None = None
        for sign in self.read(at_us, threshold_s, tall=tall, unseen_s=unseen_s, coast_s=coast_s):
            move = MOVES.get((self.state, sign))
            if move is None:
                continue
            self.state, event = move
            if sign is Sign.STAYED:
                self.since_us = self.stay(at_us, threshold_s)
            self.escalated = self.escalated or sign is Sign.STILL_THERE
            reported = event or reported
        return reported

    def read(
        self, at_us: int, threshold_s: float, *, tall: bool, unseen_s: float, coast_s: float
    ) -> list[Sign]:
        """Return the signs that hold; a pure reading of times."""
        if unseen_s >= (INERTIA_S if self.state is State.CANDIDATE else coast_s):
            return [Sign.GONE]
        if unseen_s > 0:
            return []
        signs = [Sign.SEEN]
        live = self.live_us is not None and at_us - self.live_us <= LIVE_WITHIN_S * 1e6
        if live and tall and at_us - self.first_us >= INERTIA_S * 1e6:
            signs.append(Sign.SETTLED)
        inside = self.zone_seen_us == at_us
        lived = live and self.live_s >= max(LIVED_S, LIVED_SHARE * self.seen_s)
        if lived and inside and self.stay(at_us, threshold_s) is not None:
            signs.append(Sign.STAYED)
        if (
            inside
            and self.since_us is not None
            and not self.escalated
            and at_us - self.since_us >= ESCALATE_FACTOR * threshold_s * 1e6
        ):
            signs.append(Sign.STILL_THERE)
        if self.zone_seen_us is None or at_us - self.zone_seen_us >= GRACE_S * 1e6:
            signs.append(Sign.LEFT_ZONE)
        return signs
