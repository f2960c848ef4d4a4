"""The event catalogue: every type a device, a detector or the backend may report.

Codes: SIA DC-03/DC-09 two-letter codes and Ademco Contact-ID (SIA DC-05) event codes, so that an
alarm panel or an alarm receiver can be attached. A restore carries the code of its own in SIA and
the qualifier 3 in Contact-ID (here as the same number, `cid_qualifier` 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Priority(IntEnum):
    """Priority class of what an event may open; lower is more urgent."""

    LIFE_SAFETY = 1
    INTRUSION = 2
    ATTENTION = 3
    TECHNICAL = 4


class Source(StrEnum):
    """Who reported; part of an event's identity."""

    DEVICE = "device"
    DETECTOR = "detector"
    BACKEND = "backend"

    __hash__ = str.__hash__  # Enum's own is a Python function, and this is a key of the hot path


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the catalogue.

    `priority` is None for what never opens an incident; `restores` names the alarms this type
    ends; `alarm` says that it travels on the alarm lane and is always acknowledged; `informs`,
    that the alarms process weighs it though it opens and ends nothing.
    """

    name: str
    source: Source
    priority: Priority | None = None
    alarm: bool = False
    sia: str = ""
    cid: int | None = None
    restores: tuple[str, ...] = ()
    informs: bool = False

    @property
    def weighed(self) -> bool:
        """Whether the alarms process must see it: it may open, end or explain an incident."""
        ends = any(CATALOGUE[name].priority is not None for name in self.restores)
        return self.alarm or self.priority is not None or ends or self.informs

    @property
    def cid_qualifier(self) -> int:
        """Contact-ID qualifier: 1 new event, 3 restore."""
        return 3 if self.restores else 1


_D, _X, _B = Source.DEVICE, Source.DETECTOR, Source.BACKEND
_P1, _P2, _P3, _P4 = Priority

_ROWS = (
    EventType("sos.pressed", _D, _P1, alarm=True, sia="QA", cid=101),
    EventType("sos.cancelled", _D, alarm=True, sia="QR", cid=101, restores=("sos.pressed",)),
    EventType("sos.test", _D, _P4, alarm=True, sia="RX", cid=601),
    EventType("duress.pressed", _D, _P1, alarm=True, sia="HA", cid=121),
    EventType("door.opened", _D, sia="DG", cid=426),
    EventType("door.closed", _D, sia="DR", cid=426, restores=("door.opened", "door.held_open")),
    EventType("door.forced", _D, _P1, alarm=True, sia="DF", cid=423),
    EventType("door.held_open", _D, _P3, sia="DN", cid=426),
    EventType("door.locked", _D, sia="CL", cid=401),
    EventType("door.unlocked", _D, sia="OP", cid=401, informs=True),
    EventType("bell.pressed", _D),
    EventType("tamper.opened", _D, _P2, alarm=True, sia="TA", cid=144),
    EventType("tamper.restored", _D, alarm=True, sia="TR", cid=144, restores=("tamper.opened",)),
    EventType("power.lost", _D, _P4, sia="AT", cid=301),
    EventType("power.restored", _D, sia="AR", cid=301, restores=("power.lost",)),
    EventType("battery.low", _D, _P4, sia="YT", cid=302),
    EventType("battery.restored", _D, sia="YR", cid=302, restores=("battery.low",)),
    EventType("motion.sensed", _D),
    EventType("heartbeat", _D, sia="RP", cid=602),
    EventType("position.reported", _D),
    EventType("device.booted", _D, sia="RR", cid=305),
    EventType("fault.raised", _D, _P4, sia="ET", cid=380),
    EventType("fault.cleared", _D, sia="ER", cid=380, restores=("fault.raised",)),
    EventType("motion.started", _X),
    EventType("motion.ended", _X),
    EventType("object.left", _X),
    EventType("object.removed", _X),
    EventType("loiter.started", _X, _P2, alarm=True, sia="BA", cid=130),
    EventType("loiter.updated", _X, _P2, alarm=True, sia="BA", cid=130),
    EventType("loiter.ended", _X, alarm=True, sia="BR", cid=130, restores=("loiter.started",)),
    EventType("camera.covered", _X, _P3, alarm=True, sia="TA", cid=145),
    EventType("camera.moved", _X, _P3, alarm=True, sia="TA", cid=145),
    EventType("camera.defocused", _X, _P4, alarm=True, sia="ET", cid=380),
    EventType("camera.frozen", _X, _P4, alarm=True, sia="ET", cid=380),
    EventType("camera.dark", _X, _P4, alarm=True, sia="ET", cid=380),
    EventType(
        "camera.restored",
        _X,
        alarm=True,
        sia="TR",
        cid=145,
        restores=(
            "camera.covered",
            "camera.moved",
            "camera.defocused",
            "camera.frozen",
            "camera.dark",
        ),
    ),
    EventType("device.offline", _B, _P4, sia="YC", cid=350),
    EventType("device.online", _B, sia="YK", cid=350, restores=("device.offline",)),
    EventType("gateway.offline", _B, _P4, sia="YC", cid=350),
    EventType("gateway.online", _B, sia="YK", cid=350, restores=("gateway.offline",)),
    EventType("inactivity.raised", _B, _P3, sia="NA", cid=102),
    EventType("inactivity.cleared", _B, sia="NS", cid=102, restores=("inactivity.raised",)),
)

CATALOGUE: dict[str, EventType] = {row.name: row for row in _ROWS}
