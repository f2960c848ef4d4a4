"""What a fleet's homes do, as a timeline made from a seed: pure, the same at every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import ConfigurationError

RESIDENTS = ("kim", "lee", "park", "choi", "jung", "kang", "cho", "yoon")


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """One event of one device, `at_s` scenario seconds after the start."""

    at_s: float
    type: str = field(compare=False)
    data: dict[str, Any] = field(compare=False, default_factory=dict)


Plan = Callable[[str, random.Random, float], list[Planned]]


def plan(scenario: str, kind: str, seed: str, duration_s: float) -> list[Planned]:
    """Return the device's events in order of time; raise `ConfigurationError` for a wrong name."""
    make = SCENARIOS.get(scenario)
    if make is None:
        raise ConfigurationError(
            f"unknown scenario {scenario!r}; there is {', '.join(sorted(SCENARIOS))}"
        )
    return sorted(p for p in make(kind, random.Random(seed), duration_s) if p.at_s < duration_s)


def _moments(rng: random.Random, every_s: float, duration_s: float) -> list[float]:
    """Moments of a Poisson process with one moment in `every_s` seconds on average."""
    moments, at_s = [], rng.expovariate(1.0 / every_s)
    while at_s < duration_s:
        moments.append(at_s)
        at_s += rng.expovariate(1.0 / every_s)
    return moments


def _through_the_door(rng: random.Random, at_s: float) -> list[Planned]:
    """Somebody unlocks, opens, closes; the door locks itself."""
    method = rng.choice(("pin", "pin", "card", "fingerprint", "key"))
    who = {"method": method} | ({} if method == "key" else {"user": rng.choice(RESIDENTS)})
    opened_s = at_s + rng.uniform(0.8, 3.0)
    closed_s = opened_s + rng.uniform(2.0, 8.0)
    return [
        Planned(at_s, "door.unlocked", who),
        Planned(opened_s, "door.opened"),
        Planned(closed_s, "door.closed"),
        Planned(closed_s + rng.uniform(0.5, 2.0), "door.locked", {"method": "auto"}),
    ]


def evening(kind: str, rng: random.Random, duration_s: float) -> list[Planned]:
    """The hours after work. A camera's home: the resident comes home within the first half hour,
    sometimes goes out again, visitors ring, people pass. A button: a test now and then.
    """
    planned: list[Planned] = []
    if kind == "button":
        planned += [Planned(s, "sos.test") for s in _moments(rng, 2 * 3600.0, duration_s)]
    else:
        comes_s = rng.uniform(0.0, min(1800.0, max(1.0, 0.6 * duration_s)))
        planned += [Planned(max(0.0, comes_s - rng.uniform(1.0, 4.0)), "motion.sensed")]
        planned += _through_the_door(rng, comes_s)
        for at_s in _moments(rng, 2400.0, duration_s):
            planned += _through_the_door(rng, at_s)
        for at_s in _moments(rng, 1800.0, duration_s):
            planned += [Planned(at_s, "motion.sensed"), Planned(at_s + 2.0, "bell.pressed")]
        planned += [Planned(s, "motion.sensed") for s in _moments(rng, 300.0, duration_s)]
    for at_s in _moments(rng, 12 * 3600.0, duration_s):
        planned.append(Planned(at_s, "battery.low", {"percent": rng.randint(5, 15)}))
    return planned


def steady(kind: str, rng: random.Random, duration_s: float) -> list[Planned]:
    """A camera reports something each scenario second on average; buttons stay quiet.

    Played at speed R/cameras it is a load of R events/s that opens no incident.
    """
    if kind == "button":
        return []
    types = ("motion.sensed", "motion.sensed", "door.opened", "bell.pressed")
    return [Planned(s, rng.choice(types)) for s in _moments(rng, 1.0, duration_s)]


SCENARIOS: dict[str, Plan] = {"evening": evening, "steady": steady}
