"""What an event means: which incident it opens, who is paged for it and when, what it restores.

Pure. Priorities are those of `core.catalogue`; this file adds the kind of incident and the paging.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from core.catalogue import CATALOGUE

SYNTHETIC = "synthetic"  # id of the home and of the responder of the minute's synthetic SOS

Paging = Literal["at_once", "after_grace", "never"]


class Kind(StrEnum):
    """Kind of incident; a home has at most one open incident of each."""

    SOS = "sos"
    DURESS = "duress"
    INTRUSION = "intrusion"
    LOITERING = "loitering"
    TAMPER = "tamper"
    CAMERA = "camera"
    TECHNICAL = "technical"
    INACTIVITY = "inactivity"
    TEST = "test"


class Whom(StrEnum):
    """Who is asked to come."""

    FIELD = "field"  # crews, guards and guardians
    ENGINEERS = "engineers"  # the people who repair the service
    SYNTHETIC = "synthetic"  # the loopback responder, nobody real


@dataclass(frozen=True, slots=True)
class Plan:
    """What an alarm opens. `page`: at once, after a grace for the operator, never by itself."""

    kind: Kind
    priority: int
    page: Paging


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of an incident, as its log names it."""

    type: str
    device_id: str
    seq: int


# Inactivity is a guess of hours: the operator telephones first and dispatches by hand. A door
# held open and faults are work for the day.
_KINDS: dict[str, tuple[Kind, Paging]] = {
    "sos.pressed": (Kind.SOS, "at_once"),
    "duress.pressed": (Kind.DURESS, "at_once"),
    "door.forced": (Kind.INTRUSION, "at_once"),
    "loiter.started": (Kind.LOITERING, "after_grace"),
    "loiter.updated": (Kind.LOITERING, "after_grace"),
    "tamper.opened": (Kind.TAMPER, "after_grace"),
    "camera.covered": (Kind.CAMERA, "never"),
    "camera.moved": (Kind.CAMERA, "never"),
    "camera.defocused": (Kind.CAMERA, "never"),
    "camera.frozen": (Kind.CAMERA, "never"),
    "door.held_open": (Kind.TECHNICAL, "never"),
    "power.lost": (Kind.TECHNICAL, "never"),
    "battery.low": (Kind.TECHNICAL, "never"),
    "fault.raised": (Kind.TECHNICAL, "never"),
    "device.offline": (Kind.TECHNICAL, "never"),
    "inactivity.raised": (Kind.INACTIVITY, "never"),
    "sos.test": (Kind.TEST, "at_once"),
}

# A press at the button may be taken back in the app: the home is what counts, not the device.
_ANY_DEVICE = frozenset({"sos.pressed"})
_SAME_ALARM = {"loiter.updated": "loiter.started"}


def plan_for(event_type: str) -> Plan | None:
    """Return what the event opens, None for what opens nothing."""
    row = CATALOGUE.get(event_type)
    if row is None or row.priority is None:
        return None
    kind, page = _KINDS[event_type]
    return Plan(kind, int(row.priority), page)


def paging(plan: Plan, household_id: str) -> Paging:
    """Return when to page: a test pages (the loopback) from the synthetic home only."""
    if plan.kind is Kind.TEST and household_id != SYNTHETIC:
        return "never"
    return plan.page


def whom(kind: str, household_id: str) -> Whom:
    """Return who is asked to come for an incident of this kind at this home."""
    if kind == Kind.TEST:
        return Whom.SYNTHETIC
    return Whom.ENGINEERS if household_id == SYNTHETIC else Whom.FIELD


def restores(event_type: str) -> tuple[str, ...]:
    """Return the alarm types that this event ends; empty for every other event."""
    row = CATALOGUE.get(event_type)
    return row.restores if row else ()


def restored_kinds(event_type: str) -> frozenset[Kind]:
    """Return the kinds of incident in which this event may restore something."""
    plans = (plan_for(alarm) for alarm in restores(event_type))
    return frozenset(plan.kind for plan in plans if plan)


def outstanding(events: Iterable[Seen]) -> frozenset[tuple[str, str]]:
    """Return the (type, device id) of alarms not yet restored.

    `events` are those of one incident in order of arrival: the clocks of two devices cannot be
    compared. A restore ends the earlier alarms (by `seq`) of its own device; a cancelled SOS also
    those of any other device of the home.
    """
    alarms: dict[tuple[str, str], int] = {}
    for event in events:
        ended = restores(event.type)
        if ended:
            alarms = {
                (alarm, device): seq
                for (alarm, device), seq in alarms.items()
                if alarm not in ended
                or (device == event.device_id and seq > event.seq)
                or (device != event.device_id and alarm not in _ANY_DEVICE)
            }
        elif plan_for(event.type):
            alarms[_SAME_ALARM.get(event.type, event.type), event.device_id] = event.seq
    return frozenset(alarms)
