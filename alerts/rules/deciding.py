"""What the rules make of one event at one home; pure, and the same for the same facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from alerts.policy import Kind, Paging
from alerts.rules.rule import Rule, Verb
from alerts.rules.table import Table
from core.catalogue import CATALOGUE, Priority


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An open incident of the home.

    `findings` counts its events by type, this one not among them. `outstanding` are the types of
    its alarms that have not ended. `taken`: an operator or a responder has it in hand.
    """

    kind: Kind
    priority: int
    findings: Mapping[str, int] = field(default_factory=dict)
    outstanding: frozenset[str] = frozenset()
    taken: bool = False
    open_for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Home:
    """What is known of the home when the event comes.

    `lately` holds (type, time) of its alarms within the longest window of the rules, of open and
    of closed incidents. `local` is the time of day there. `by_resident`: the event was done with
    a credential of somebody who lives there.
    """

    open: Mapping[Kind, OpenIncident] = field(default_factory=dict)
    lately: tuple[tuple[str, datetime], ...] = ()
    local: time = time(12)
    high_risk: bool = False
    by_resident: bool = False


@dataclass(frozen=True, slots=True)
class Opens:
    """Open an incident of this kind, or join the open one.

    `takes_over`: the open incident of that kind becomes this one. `check_after_s`: when the rules
    must be looked at again though nothing has happened. `tell`: the home's own contacts are told.
    """

    kind: Kind
    priority: int
    page: Paging
    rule: str
    takes_over: Kind | None = None
    follows: tuple[str, ...] = ()
    check_after_s: tuple[int, ...] = ()
    tell: bool = False


@dataclass(frozen=True, slots=True)
class Joins:
    """Add the event to the open incident of this kind; `raised` when that makes it more urgent."""

    kind: Kind
    rule: str
    inhibited: bool = False
    raised: Raised | None = None


@dataclass(frozen=True, slots=True)
class Closes:
    """Close the open incident of this kind as false, for this cause."""

    kind: Kind
    rule: str
    cause: str


@dataclass(frozen=True, slots=True)
class Raised:
    """How urgent the incident is from now on, and who is paged for that."""

    priority: int
    page: Paging
    rule: str


def decide(
    table: Table, event_type: str, at: datetime, home: Home
) -> Opens | Joins | Closes | None:
    """Return what the event does, None for nothing.

    The first rule that holds decides, in the order of the file; then the rules that raise are
    looked at for the incident it lands in.
    """
    held = _inhibited(table, event_type, home)
    if held:
        return held
    for rule in table.first.get(event_type, ()):
        if rule.verb is Verb.OPENS and _holds(table, rule, at, home):
            return _open(table, rule, event_type, at, home)
        found = home.open.get(rule.kind) if rule.kind else None
        if found is None:
            continue
        if rule.verb is Verb.JOINS:
            return Joins(found.kind, rule.name, raised=raised(table, found, home, event_type))
        if rule.verb is Verb.CLOSES and _may_close(found, home):
            return Closes(found.kind, rule.name, rule.cause)
    row = CATALOGUE.get(event_type)
    if row is None or row.priority is None:
        return None
    return _opens(table, table.otherwise, int(row.priority), "never", "otherwise", event_type, home)


def raised(
    table: Table, incident: OpenIncident, home: Home, event_type: str | None = None
) -> Raised | None:
    """Return how the rules raise an incident, None when they do not.

    `event_type` is that of the event that just came; None when only time has passed.
    """
    for rule in table.raises.get(incident.kind, ()):
        if rule.priority < incident.priority and _raises(table, rule, incident, home, event_type):
            return Raised(rule.priority, rule.page, rule.name)
    return None


def _raises(
    table: Table, rule: Rule, incident: OpenIncident, home: Home, event_type: str | None
) -> bool:
    if rule.on and event_type not in rule.on:
        return False
    count = sum(incident.findings.get(name, 0) for name in rule.on) + 1
    if rule.findings and count < rule.findings:
        return False
    if rule.open_for_seconds and (
        incident.open_for_s < rule.open_for_seconds or not incident.outstanding
    ):
        return False
    if rule.high_risk_home and not home.high_risk:
        return False
    return not rule.at_night or table.night.holds(home.local)


def _holds(table: Table, rule: Rule, at: datetime, home: Home) -> bool:
    if rule.at_night and not table.night.holds(home.local):
        return False
    if rule.high_risk_home and not home.high_risk:
        return False
    return not rule.after or bool(_follows(rule, at, home))


def _follows(rule: Rule, at: datetime, home: Home) -> tuple[str, ...]:
    """Return which of the alarms in `after` came within the window.

    Before or after by the devices' clocks: those of two devices cannot be compared, and what is
    in `lately` has reached us before this event.
    """
    window = timedelta(minutes=rule.within_minutes)
    near = {name for name, when in home.lately if abs(at - when) <= window}
    return tuple(name for name in rule.after if name in near)


def _open(table: Table, rule: Rule, event_type: str, at: datetime, home: Home) -> Opens:
    if rule.kind is None:
        raise ValueError(f"the rule {rule.name!r} opens no kind")
    return _opens(
        table,
        rule.kind,
        rule.priority,
        rule.page,
        rule.name,
        event_type,
        home,
        takes_over=rule.takes_over if rule.takes_over in home.open else None,
        follows=_follows(rule, at, home),
        tell=rule.tell,
    )


def _opens(
    table: Table,
    kind: Kind,
    priority: int,
    page: Paging,
    rule: str,
    event_type: str,
    home: Home,
    *,
    takes_over: Kind | None = None,
    follows: tuple[str, ...] = (),
    tell: bool = False,
) -> Opens:
    before = home.open.get(kind)
    standing = before or OpenIncident(kind, priority)
    if before and before.priority > priority:
        standing = OpenIncident(kind, priority, before.findings, before.outstanding)
    more = raised(table, standing, home, event_type)
    if more:
        priority, page, rule = more.priority, more.page, more.rule
    looks = check_after_s(table, kind)
    return Opens(kind, priority, page, rule, takes_over, follows, looks, tell)


def check_after_s(table: Table, kind: Kind) -> tuple[int, ...]:
    """Return after how many seconds the rules may raise an incident by time alone."""
    found = {r.open_for_seconds for r in table.raises.get(kind, ()) if r.open_for_seconds}
    return tuple(sorted(found))


def _inhibited(table: Table, event_type: str, home: Home) -> Joins | None:
    by = table.inhibitors.get(event_type, frozenset())
    for incident in home.open.values():
        for name in sorted(by & incident.outstanding):
            return Joins(incident.kind, name, inhibited=True)
    return None


def _may_close(incident: OpenIncident, home: Home) -> bool:
    """Say whether a rule may close it: not about a life, in nobody's hands, by a resident."""
    return home.by_resident and not incident.taken and incident.priority != Priority.LIFE_SAFETY
