"""Steps of an escalation: who is asked beside, when nobody has accepted for so long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.policy import Whom
from alerts.rules.lines import Place
from alerts.rules.problems import Problem
from alerts.rules.words import listed, one_of
from core.catalogue import Priority

ZONE = "everyone in the zone"
_ALSO: dict[str, Whom] = {
    "supervisors": Whom.SUPERVISORS,
    "district officers": Whom.OFFICERS,
    "guardians": Whom.GUARDIANS,
    "counselling line": Whom.COUNSELLORS,
    ZONE: Whom.ZONE,
}
_NUMBERS = {"priority": (1, 3), "after_seconds": (1, 3600), "next": (1, 50)}


@dataclass(frozen=True, slots=True)
class Step:
    """`after_s` seconds after the first page of an incident of this priority, these are asked.

    `next` of the nearest not asked yet, and everybody on shift of the groups in `also`. `district`
    is '' for every district that has no steps of its own.
    """

    place: Place
    priority: int
    after_s: int
    district: str = ""
    next: int = 0
    also: tuple[Whom, ...] = ()


def read_steps(given: Any, spots: Sequence[Place], problems: list[Problem]) -> tuple[Step, ...]:
    """Return the steps of a file; what is wrong is added to `problems`."""
    if (
        not isinstance(given, list)
        or not all(isinstance(one, dict) for one in given)
        or len(spots) != len(given)
    ):
        line = spots[0].line if spots else 1
        problems.append(Problem(line, "steps are tables", "begin each with a line [[step]]"))
        return ()
    found = (_read(one, spot, problems) for one, spot in zip(given, spots, strict=True))
    return tuple(step for step in found if step)


def _read(given: Mapping[str, Any], place: Place, problems: list[Problem]) -> Step | None:
    also = given.get("also", [])
    words = also if isinstance(also, list) else [also]
    found = [*_wrong_numbers(given, place), *_wrong_words(given, words, place)]
    problems += found
    if found:
        return None
    return Step(
        place,
        given["priority"],
        given["after_seconds"],
        given.get("district", ""),
        given.get("next", 0),
        tuple(dict.fromkeys(_ALSO[word] for word in words)),
    )


def _wrong_numbers(given: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    for key, (least, most) in _NUMBERS.items():
        value = given.get(key)
        if value is None:
            if key != "next":
                yield Problem(place.of(key), f"{key} is missing", "a step needs it")
        elif not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            do = f"a whole number from {least} to {most}"
            yield Problem(place.of(key), f"{value!r} does not fit", do)


def _wrong_words(given: Mapping[str, Any], words: Sequence[Any], place: Place) -> Iterator[Problem]:
    known = (*_NUMBERS, "district", "also")
    for key in given:
        if key not in known:
            yield Problem(place.of(key), f"a step has no {key!r}", one_of(key, known))
    district = given.get("district", "somewhere")
    if not isinstance(district, str) or not district.strip():
        do = "leave it out for all districts"
        yield Problem(place.of("district"), f"{district!r} is no district", do)
    for word in words:
        if not isinstance(word, str) or word not in _ALSO:
            yield Problem(place.of("also"), f"nobody is called {word!r}", one_of(word, _ALSO))
    if "next" not in given and not words:
        do = f"give it next, or also: {listed(_ALSO)}"
        yield Problem(place.line, "the step asks nobody", do)


def problems_of_steps(steps: Sequence[Step]) -> Iterator[Problem]:
    """Yield what is wrong with the steps together."""
    for (priority, district), some in _by_policy(steps).items():
        before_s = 0
        for step in some:
            where = f" in {district}" if district else ""
            if step.after_s == before_s:
                what = f"another step of priority {priority}{where} after {before_s} s"
                yield Problem(step.place.line, what, "make one step of both")
            before_s = step.after_s
    if not any(step.priority == int(Priority.LIFE_SAFETY) and not step.district for step in steps):
        what = "no step for priority 1"
        yield Problem(1, what, "add one without a district, or leave every step out")


def _by_policy(steps: Sequence[Step]) -> dict[tuple[int, str], list[Step]]:
    found: dict[tuple[int, str], list[Step]] = defaultdict(list)
    for step in sorted(steps, key=lambda one: one.after_s):
        found[step.priority, step.district].append(step)
    return found


class Escalation:
    """The steps of every priority and district, in order of time."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = {key: tuple(some) for key, some in _by_policy(steps).items()}

    def steps(self, priority: int, district: str) -> tuple[Step, ...]:
        """Return what holds there: the district's own steps, else those for all."""
        return self._steps.get((priority, district)) or self._steps.get((priority, ""), ())

    def __len__(self) -> int:
        return sum(map(len, self._steps.values()))
