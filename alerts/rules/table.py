"""Rules that were checked, arranged by what asks for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from alerts.policy import Kind, restores
from alerts.rules.rule import Document, Night, Rule, Verb
from alerts.rules.steps import Escalation
from core.catalogue import CATALOGUE


@dataclass(frozen=True, slots=True)
class Table:
    """`first` holds by event type what opens, joins or closes, in the order of the file.

    `looks_at_home`: the types whose treatment depends on anything but themselves; for every
    other type nothing need be read to decide. `held_in`: in which kinds of incident an alarm may
    stand, so that its restore is looked for there.
    """

    first: Mapping[str, tuple[Rule, ...]]
    raises: Mapping[Kind, tuple[Rule, ...]]
    inhibitors: Mapping[str, frozenset[str]]
    night: Night
    otherwise: Kind
    looks_at_home: frozenset[str]
    held_in: Mapping[str, frozenset[Kind]]
    lookback_minutes: int
    escalation: Escalation

    def restored_in(self, event_type: str) -> frozenset[Kind]:
        """Return the kinds of incident in which this event may end an alarm."""
        found: set[Kind] = set()
        for alarm in restores(event_type):
            found |= self.held_in.get(alarm, frozenset())
        return frozenset(found)

    def closed_by(self, kind: Kind) -> frozenset[str]:
        """Return the types of event by which a rule closes incidents of this kind."""
        return frozenset(
            name
            for name, rules in self.first.items()
            if any(rule.verb is Verb.CLOSES and rule.kind is kind for rule in rules)
        )


def compile_rules(document: Document) -> Table:
    """Return the table of rules that `checking` has found nothing wrong with."""
    first: dict[str, list[Rule]] = defaultdict(list)
    raises: dict[Kind, list[Rule]] = defaultdict(list)
    inhibitors: dict[str, set[str]] = defaultdict(set)
    for rule in document.rules:
        if rule.verb is Verb.RAISES and rule.kind:
            raises[rule.kind].append(rule)
        elif rule.verb is Verb.INHIBITS:
            for target in rule.targets:
                inhibitors[target] |= set(rule.on)
        else:
            for name in rule.on:
                first[name].append(rule)
    # the most urgent first, so that the first that holds is the one
    ordered = {kind: tuple(sorted(some, key=lambda r: r.priority)) for kind, some in raises.items()}
    return Table(
        first={name: tuple(rules) for name, rules in first.items()},
        raises=ordered,
        inhibitors={name: frozenset(by) for name, by in inhibitors.items()},
        night=document.night,
        otherwise=document.otherwise,
        looks_at_home=_looking(first, ordered, inhibitors, document.otherwise),
        held_in=_held(first, inhibitors, document),
        lookback_minutes=max((rule.within_minutes for rule in document.rules), default=0),
        escalation=Escalation(document.steps),
    )


def _looking(
    first: Mapping[str, list[Rule]],
    raises: Mapping[Kind, tuple[Rule, ...]],
    inhibitors: Mapping[str, set[str]],
    otherwise: Kind,
) -> frozenset[str]:
    def looks(name: str) -> bool:
        rules = first.get(name)
        if name in inhibitors or (not rules and otherwise in raises):
            return True
        return any(rule.conditional or rule.kind in raises for rule in rules or ())

    return frozenset(name for name in CATALOGUE if looks(name))


def _held(
    first: Mapping[str, list[Rule]], inhibitors: Mapping[str, set[str]], document: Document
) -> dict[str, frozenset[Kind]]:
    held: dict[str, set[Kind]] = {}
    for name, row in CATALOGUE.items():
        if row.priority is None:
            continue
        rules = first.get(name, [])
        held[name] = {rule.kind for rule in rules if rule.kind and rule.verb is not Verb.CLOSES}
        if not any(rule.verb is Verb.OPENS and not rule.conditional for rule in rules):
            held[name].add(document.otherwise)
    for target, by in inhibitors.items():  # it stands in the incident of what inhibits it
        for name in by:
            held[target] = held[target] | held[name]
    taken = [(rule.takes_over, rule.kind) for rule in document.rules if rule.takes_over]
    for kinds in held.values():
        for _ in taken:  # a chain is no longer than the list
            kinds |= {after for before, after in taken if before in kinds and after}
    return {name: frozenset(kinds) for name, kinds in held.items()}
