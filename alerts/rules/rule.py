"""One rule as it is written, and the words that may stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from alerts.policy import Kind, Paging
from alerts.rules.lines import Place
from alerts.rules.steps import Step


class Verb(StrEnum):
    """What a rule does; each rule does one thing."""

    OPENS = "opens"
    JOINS = "joins"
    RAISES = "raises"
    CLOSES = "closes"
    INHIBITS = "inhibits"


PAGING: dict[str, Paging] = {
    "at once": "at_once",
    "after grace": "after_grace",
    "nobody": "never",
}

# which further keys each verb takes; True: it must be there
KEYS: dict[Verb, dict[str, bool]] = {
    Verb.OPENS: {
        "on": True,
        "priority": True,
        "page": True,
        "after": False,
        "within_minutes": False,
        "at_night": False,
        "high_risk_home": False,
        "takes_over": False,
        "tell": False,
    },
    Verb.JOINS: {"on": True},
    Verb.RAISES: {
        "priority": True,
        "page": True,
        "on": False,
        "findings": False,
        "open_for_seconds": False,
        "at_night": False,
        "high_risk_home": False,
    },
    Verb.CLOSES: {"on": True, "by": True, "cause": True},
    Verb.INHIBITS: {"on": True},
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `place` says where it stands. What it does not say is empty, None or False.

    `kind` is the incident it is about (None for an inhibition, which names event types in
    `targets`). All conditions of one rule must hold; rules are alternatives.
    """

    name: str
    place: Place
    verb: Verb
    kind: Kind | None = None
    targets: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    priority: int = 4
    page: Paging = "never"
    after: tuple[str, ...] = ()
    within_minutes: int = 0
    at_night: bool = False
    high_risk_home: bool = False
    takes_over: Kind | None = None
    findings: int = 0
    open_for_seconds: int = 0
    cause: str = ""
    tell: bool = False  # the home's own contacts

    @property
    def conditional(self) -> bool:
        """Whether the rule acts only sometimes."""
        return self.verb is not Verb.OPENS or bool(
            self.after or self.at_night or self.high_risk_home
        )


@dataclass(frozen=True, slots=True)
class Night:
    """From `start` until `end` by the service's local time; across midnight when start > end."""

    start: time = time(22)
    end: time = time(6)

    def holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, slots=True)
class Document:
    """A file of rules, read. `otherwise` is the kind that opens for an alarm no rule names."""

    rules: tuple[Rule, ...]
    night: Night
    otherwise: Kind
    steps: tuple[Step, ...] = ()
