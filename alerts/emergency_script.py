"""Handing an incident to police 112, fire and ambulance 119, or the counselling line. Pure.

What is said, in the order in which a call-taker asks for it (NENA-STA-020: where, what, who, then
danger), so that nothing is forgotten at night. The words stand in the catalogues, `call.` and the
step's name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from alerts.policy import Kind
from core.errors import Conflict

Service = Literal["police", "fire", "counselling"]
SERVICES: tuple[Service, ...] = get_args(Service)
# Korea: police 112; fire, rescue and ambulance 119. The counselling line is the city's own.
NUMBERS: dict[Service, str] = {"police": "112", "fire": "119", "counselling": ""}
Outcome = Literal["taken", "refused", "broken_off"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do or say; without `needed` it may be left out."""

    name: str
    needed: bool = True


_BEGIN = (Step("where"), Step("what"), Step("who_calls"))
_ABOUT = (Step("way_in"), Step("residents"))
_END = (Step("ours_coming"), Step("read_back"), Step("reference", needed=False))
_SCRIPTS: dict[Service, tuple[Step, ...]] = {
    "police": (*_BEGIN, Step("danger"), *_ABOUT, *_END),
    "fire": (*_BEGIN, Step("condition"), *_ABOUT, Step("stay_on_the_line", needed=False), *_END),
    "counselling": (
        Step("what"),
        Step("residents"),
        Step("last_sign"),
        Step("who_calls_back"),
        Step("reference", needed=False),
    ),
}
# Whoever threatens the resident must not hear that the police are called.
_SILENT = Step("silent_approach")


def script(service: Service, kind: str) -> tuple[Step, ...]:
    """Return the steps for a service and a kind of incident, in order."""
    steps = _SCRIPTS[service]
    return (_SILENT, *steps) if service == "police" and kind == Kind.DURESS else steps


def check_end(
    service: Service, kind: str, done: Collection[str], outcome: Outcome, spoken_to: str
) -> None:
    """Raise `Conflict` naming what is missing before a call counts as taken.

    One that was refused or broke off ends as it stands.
    """
    if outcome != "taken":
        return
    missing = [step.name for step in script(service, kind) if step.needed and step.name not in done]
    if missing:
        raise Conflict(f"not done yet: {', '.join(missing)}", "call.not_done")
    if not spoken_to.strip():
        raise Conflict("who took the call is missing", "call.who")
