"""Which devices are silent, and which are back: a decision, without I/O.

A path that is lost must be told in time (EN 50136-1: 90 s, 20 s for the highest grade). Two things
say so: the broker publishes the device's last will, or nothing was heard for too long. Only what
was silent while we listened counts: our own outage is no device's. When much of the fleet falls
silent at once it is our side or the network's, and one sentence instead of thousands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# What passes beside the silence itself: heard is exact to 5 s, a round comes every 5 s.
SLACK_S = 10.0
# A lost connection is mostly a new one: a reconnection takes some seconds.
SETTLE_S = 10.0
# A device speaks later than the gateway that it is behind, so that the gateway's is told first.
BEHIND_S = 15.0
AT_ONCE_LEAST = 20
AT_ONCE_SHARE = 0.2

OFFLINE = {"device.offline": "device.online", "gateway.offline": "gateway.online"}


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a device in service. `behind` is the device it connects through.

    `online` and `status_at` are of its retained status or its last will; `status_at` None: the
    broker's copy, of an unknown time. `last_heard_at` None: never.
    """

    device_id: str
    household_id: str
    behind: str | None = None
    online: bool | None = None
    status_at: datetime | None = None
    last_heard_at: datetime | None = None

    @property
    def heard_at(self) -> datetime | None:
        """When it was last certainly there."""
        status_at = self.status_at if self.online else None
        return max((at for at in (self.last_heard_at, status_at) if at), default=None)


@dataclass(frozen=True, slots=True)
class Silence:
    """A device is silent `since`, as the home is told it; `why` is a word for the log."""

    device_id: str
    household_id: str
    type: str
    since: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told. `held`: so many are silent at once that no home is told of it."""

    silent: Sequence[Silence]
    back: Sequence[Silence]
    held: int = 0


def judge(
    devices: Iterable[Watched],
    told: Collection[Silence],
    *,
    now: datetime,
    listening_since: datetime,
    grade_s: float,
) -> Verdict:
    """Return which silences begin and end; `told` are those that were told and have not ended.

    `grade_s` is within how many seconds a lost path must be told. Gateways come first.
    """
    by_id = {one.device_id: one for one in devices}
    behind: defaultdict[str, list[Watched]] = defaultdict(list)
    for one in by_id.values():
        if one.behind in by_id:
            behind[one.behind].append(one)
    found: dict[str, tuple[datetime, str]] = {}
    for one in by_id.values():
        grade = grade_s + (BEHIND_S if one.behind in by_id else 0)
        silent = _silent(one, now, listening_since, grade)
        if silent:
            found[one.device_id] = silent
    begun = _begun(found, by_id, behind, told)
    unexplained = {s.device_id for s in begun if by_id[s.device_id].behind not in found}
    held = len(unexplained)
    if held < max(AT_ONCE_LEAST, AT_ONCE_SHARE * len(by_id)):
        held = 0
    back = [
        one
        for one in told
        if one.device_id not in found and _heard_since(by_id.get(one.device_id), one)
    ]
    return Verdict([] if held else begun, back, held)


def _silent(
    one: Watched, now: datetime, listening_since: datetime, grade_s: float
) -> tuple[datetime, str] | None:
    heard = one.heard_at
    if heard is None:
        return None  # never installed: that is the installer's to see
    lost_at = one.status_at if one.online is False else None
    settled = lost_at and now - max(lost_at, listening_since) >= timedelta(seconds=SETTLE_S)
    if lost_at and settled and lost_at >= heard:
        return lost_at, "connection lost"
    if now - max(heard, listening_since) >= timedelta(seconds=grade_s - SLACK_S):
        return heard, "not heard"
    return None


def _begun(
    found: Mapping[str, tuple[datetime, str]],
    by_id: Mapping[str, Watched],
    behind: Mapping[str, Sequence[Watched]],
    told: Collection[Silence],
) -> list[Silence]:
    known = {(one.device_id, one.household_id) for one in told}
    begun: list[Silence] = []
    for device_id, (since, why) in found.items():
        homes = {by_id[device_id].household_id, *(one.household_id for one in behind[device_id])}
        name = "gateway.offline" if behind[device_id] else "device.offline"
        begun += [
            Silence(device_id, home, name, since, why)
            for home in sorted(homes)
            if (device_id, home) not in known
        ]
    return sorted(begun, key=lambda one: (one.type != "gateway.offline", one.device_id))


def _heard_since(device: Watched | None, silence: Silence) -> bool:
    heard = device.heard_at if device else None
    return heard is not None and heard > silence.since
