"""What holds whatever the rules say: kinds of incident, who is asked to come, what ends an alarm.

Pure. Which event opens what, and who is paged when, is said by the rules (`alerts.rules`).
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
    # by the steps of an escalation
    ZONE = "zone"  # of the field, those of the home's own district
    GUARDIANS = "guardians"
    SUPERVISORS = "supervisors"
    OFFICERS = "officers"
    COUNSELLORS = "counsellors"
    CARE = "care"  # the counselling line and the family: who telephones first


_FIELD = frozenset({"crew", "guard", "guardian"})
KINDS_OF: dict[Whom, frozenset[str]] = {
    Whom.FIELD: _FIELD,
    Whom.ENGINEERS: frozenset({"engineer"}),
    Whom.ZONE: _FIELD,
    Whom.GUARDIANS: frozenset({"guardian"}),
    Whom.SUPERVISORS: frozenset({"supervisor"}),
    Whom.OFFICERS: frozenset({"officer"}),
    Whom.COUNSELLORS: frozenset({"counsellor"}),
    Whom.CARE: frozenset({"counsellor", "guardian"}),
}
# What helps at such an incident; who has it counts as a minute nearer.
WANTED_SKILL = {"sos": "first_aid", "duress": "security", "intrusion": "security"}
SKILLS = frozenset({"first_aid", "security", "keys"})
OF_DISTRICT = frozenset({Whom.ZONE, Whom.SUPERVISORS, Whom.OFFICERS})


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of an incident, as its log names it."""

    type: str
    device_id: str
    seq: int


# A press at the button may be taken back in the app: the home is what counts, not the device.
_ANY_DEVICE = frozenset({"sos.pressed"})
_SAME_ALARM = {"loiter.updated": "loiter.started"}


def opens_incident(event_type: str) -> bool:
    """Say whether the event is an alarm: something that can open an incident."""
    row = CATALOGUE.get(event_type)
    return row is not None and row.priority is not None


def paging(page: Paging, kind: Kind, household_id: str) -> Paging:
    """Return when to page; a test pages (the loopback) from the synthetic home, and only there."""
    if kind is not Kind.TEST:
        return page
    return "at_once" if household_id == SYNTHETIC else "never"


def whom(kind: str, household_id: str) -> Whom:
    """Return who is asked to come for an incident of this kind at this home."""
    if kind == Kind.TEST:
        return Whom.SYNTHETIC
    if kind == Kind.INACTIVITY:
        return Whom.CARE
    return Whom.ENGINEERS if household_id == SYNTHETIC else Whom.FIELD


def restores(event_type: str) -> tuple[str, ...]:
    """Return the alarm types that this event ends; empty for every other event."""
    row = CATALOGUE.get(event_type)
    return row.restores if row else ()


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
        elif opens_incident(event.type):
            alarms[_SAME_ALARM.get(event.type, event.type), event.device_id] = event.seq
    return frozenset(alarms)
