"""How surely an alarm is about somebody: the validation levels of ANSI/TMA-AVS-01. Pure.

0  no call for service
1  a call for service with limited or no further information
2  somebody is there, or most probably, with unknown intent
3  somebody is there and threatens property
4  somebody is there and threatens a life

The standard scores intrusion alarms. A call for help is a person's own word that a life is in
danger, so it is 4 here. What is known of an incident is a set of reasons, and the level follows
from the set alone: neither the order in which they came nor their number matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """One thing that is known of an incident."""

    CALLED = "called"  # the resident called for help
    DURESS = "duress"  # the duress signal, or a duress code
    PERSON_SEEN = "person_seen"  # a detector found somebody, with a picture
    PERSON_FOUND = "person_found"  # a detector found somebody, no picture is kept
    DOOR_FORCED = "door_forced"
    TAMPERED = "tampered"
    CAMERA_DISTURBED = "camera_disturbed"
    NO_SIGN_OF_LIFE = "no_sign_of_life"
    FAULT = "fault"
    TEST = "test"
    CODE_WORD = "code_word"  # the resident cancelled with the code word


BY_TYPE: dict[str, Reason] = {
    "sos.pressed": Reason.CALLED,
    "duress.pressed": Reason.DURESS,
    "door.forced": Reason.DOOR_FORCED,
    "tamper.opened": Reason.TAMPERED,
    "loiter.started": Reason.PERSON_FOUND,
    "loiter.updated": Reason.PERSON_FOUND,
    "camera.covered": Reason.CAMERA_DISTURBED,
    "camera.moved": Reason.CAMERA_DISTURBED,
    "inactivity.raised": Reason.NO_SIGN_OF_LIFE,
    "sos.test": Reason.TEST,
}
_LIFE = frozenset({Reason.CALLED, Reason.DURESS})
_PERSON = frozenset({Reason.PERSON_SEEN, Reason.PERSON_FOUND})
_PROPERTY = frozenset({Reason.DOOR_FORCED, Reason.TAMPERED})
_NO_CALL = frozenset({Reason.FAULT, Reason.TEST})


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's level, and how many reasons were known when it was set."""

    level: int
    known: int


def reasons_of(event_type: str, *, pictured: bool) -> tuple[Reason, ...]:
    """Return what an alarm tells; an alarm that is none of a person is a fault."""
    reason = BY_TYPE.get(event_type, Reason.FAULT)
    if reason is Reason.PERSON_FOUND and pictured:
        return (Reason.PERSON_SEEN,)
    return (reason,)


def computed(reasons: Iterable[Reason]) -> int:
    """Return the level that follows from what is known.

    A code word ends every doubt but duress: who is forced says the other word.
    """
    known = frozenset(reasons)
    if Reason.DURESS in known:
        return 4
    if Reason.CODE_WORD in known:
        return 0
    if known & _LIFE:
        return 4
    if known & _PROPERTY and known & _PERSON:
        return 3
    # Two kinds of sensor agree that somebody is there, or a camera shows them.
    if Reason.PERSON_SEEN in known or known >= _PROPERTY:
        return 2
    return 1 if known - _NO_CALL else 0


def level(reasons: Sequence[Reason], override: Override | None) -> int:
    """Return the level that stands: the operator's, until evidence goes beyond what they knew.

    `reasons` stand in the order in which they became known. New evidence never lowers what an
    operator has set. It raises it when it says more by itself than the operator's level, or when
    all together says more than it did before.
    """
    found = computed(reasons)
    if override is None:
        return found
    more = found > computed(reasons[: override.known])
    alone = computed(reasons[override.known :]) > override.level
    return max(override.level, found) if more or alone else override.level
