"""What rules mean together: what would delay, group away, mute or throttle an SOS is refused here.

The two calls for help (`CALLS`) have one rule each, the whole of their treatment: it opens an
incident of their own kind, P1, paged at once, without a condition, and nothing else may stand
around them. So what an SOS does depends on no other event, no hour, no home and no count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from alerts.policy import Kind
from alerts.rules.problems import Problem
from alerts.rules.rule import PAGING, Document, Rule, Verb
from alerts.rules.steps import problems_of_steps
from alerts.rules.words import nearest
from core.catalogue import CATALOGUE, Priority

# event type → the kind of incident that is its own, and how it must be opened
CALLS: dict[str, Kind] = {"sos.pressed": Kind.SOS, "duress.pressed": Kind.DURESS}
OWN: dict[str, Kind] = {**CALLS, "sos.test": Kind.TEST}
_P1 = int(Priority.LIFE_SAFETY)


def problems_of(document: Document) -> list[Problem]:
    """Return everything that is wrong with the rules, none when they may run."""
    found = [*_types(document)]
    if found:  # the rest would only repeat it
        return found
    return [
        *_names(document),
        *_calls(document),
        *_life_safety(document),
        *_openings(document),
        *_order(document),
        *_raises(document),
        *_closings(document),
        *_inhibitions(document),
        *_loops(document),
        *(problems_of_steps(document.steps) if document.steps else ()),
    ]


def _types(document: Document) -> Iterator[Problem]:
    for rule in document.rules:
        for key in ("on", "after", "inhibits"):
            for name in _named(rule, key):
                line = rule.place.of(key)
                row = CATALOGUE.get(name)
                if row is None:
                    do = nearest(name, CATALOGUE) or "docs/protocol.md lists the event types"
                    yield Problem(line, f"no event type is called {name!r}", do)
                elif not row.weighed:
                    do = "name another, or mark it `informs` in core/catalogue.py"
                    yield Problem(line, f"{name} never reaches the alarms process", do)
                elif key != "on" and row.priority is None:
                    yield Problem(line, f"{name} is no alarm", f"{key} names alarms")


def _named(rule: Rule, key: str) -> tuple[str, ...]:
    return {"on": rule.on, "after": rule.after, "inhibits": rule.targets}[key]


def _names(document: Document) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for rule in document.rules:
        if rule.name in seen:
            what = f"{rule.name!r} is the name of the rule in line {seen[rule.name]}"
            yield Problem(rule.place.of("name"), what, "give each rule its own name")
        seen.setdefault(rule.name, rule.place.line)


def _calls(document: Document) -> Iterator[Problem]:
    for name, kind in OWN.items():
        rules = [rule for rule in document.rules if rule.verb is Verb.OPENS and name in rule.on]
        if not rules:
            do = f'add a rule with on = "{name}" and opens = "{kind}"'
            yield Problem(1, f"no rule opens an incident for {name}", do)
        for rule in rules:
            yield from _own_rule(rule, name, kind)
    for rule in document.rules:
        for name in set(rule.on) & set(CALLS):
            if rule.verb is not Verb.OPENS:
                what = f"a rule that {rule.verb} would group {name} away or hold it up"
                yield Problem(rule.place.of("on"), what, f"take {name} out of it")
        for name in {*rule.after, *rule.targets} & set(CALLS):
            key = "inhibits" if rule.targets else "after"
            what = f"{name} stands in {key}"
            yield Problem(rule.place.of(key), what, "a call for help is no condition of a rule")


def _own_rule(rule: Rule, name: str, kind: Kind) -> Iterator[Problem]:
    place = rule.place
    if rule.conditional:
        key = next(k for k in ("after", "at_night", "high_risk_home") if k in place.keys)
        yield Problem(place.of(key), f"{name} would be heard only sometimes", f"remove {key}")
    if rule.kind is not kind:
        what = f"{name} would be grouped with incidents of kind {rule.kind}"
        yield Problem(place.of("opens"), what, f'write opens = "{kind}"')
    if rule.takes_over:
        what = f"{name} stands alone; it takes nothing over"
        yield Problem(place.of("takes_over"), what, "remove takes_over")
    if rule.tell:
        what = f"whoever stands beside the resident would hear of {name}"
        yield Problem(place.of("tell"), what, "remove tell")
    if name in CALLS and rule.priority != _P1:
        what = f"{name} would wait behind others"
        yield Problem(place.of("priority"), what, "write priority = 1")
    if name in CALLS and rule.page != "at_once":
        what = f"{name} would be delayed or muted"
        yield Problem(place.of("page"), what, 'write page = "at once"')


def _order(document: Document) -> Iterator[Problem]:
    """Rules that can never act, because one before them always does."""
    settled: dict[str, Rule] = {}
    for rule in document.rules:
        for name in () if rule.verb in (Verb.RAISES, Verb.INHIBITS) else rule.on:
            if name in settled:
                what = f"for {name} the rule in line {settled[name].place.line} always comes first"
                yield Problem(rule.place.line, what, "put this rule before it, or remove it")
            elif not rule.conditional:
                settled[name] = rule


def _openings(document: Document) -> Iterator[Problem]:
    if document.otherwise in OWN.values():
        what = f"otherwise opens {document.otherwise}, which is for its own events"
        yield Problem(1, what, 'write opens = "technical" below [otherwise]')
    for rule in document.rules:
        if rule.verb not in (Verb.OPENS, Verb.JOINS):
            continue
        yield from _paging(rule)
        for name in rule.on:
            if rule.verb is Verb.OPENS and CATALOGUE[name].priority is None:
                what = f"{name} is no alarm and opens nothing"
                yield Problem(rule.place.of("on"), what, "use it in joins, raises or closes")
            if rule.kind in OWN.values() and OWN.get(name) is not rule.kind and name not in OWN:
                what = f"an incident of kind {rule.kind} is for its own event alone, not for {name}"
                yield Problem(rule.place.of(rule.verb), what, "name another kind")


def _life_safety(document: Document) -> Iterator[Problem]:
    """What the catalogue calls life safety is so by every rule, whatever the circumstances."""
    for name, row in CATALOGUE.items():
        if row.priority != _P1 or name in OWN:
            continue
        about = [rule for rule in document.rules if name in rule.on]
        if not any(not rule.conditional for rule in about):
            what = f"{name} is life safety, and no rule without a condition opens an incident"
            yield Problem(1, what, f'add a rule with on = "{name}" and no condition')
        for rule in about:
            if rule.verb is Verb.OPENS and rule.priority != _P1:
                what = f"{name} is life safety"
                yield Problem(rule.place.of("priority"), what, "write priority = 1")
            elif rule.verb in (Verb.CLOSES, Verb.JOINS):
                what = f"{name} is life safety; it {rule.verb} nothing"
                yield Problem(rule.place.of("on"), what, f"take {name} out of it")


def _paging(rule: Rule) -> Iterator[Problem]:
    late = rule.page != "at_once" and not set(rule.on) & set(CALLS)
    if rule.verb in (Verb.OPENS, Verb.RAISES) and rule.priority == _P1 and late:
        said = next(word for word, page in PAGING.items() if page == rule.page)
        what = f"a life-safety incident that pages {said}"
        yield Problem(rule.place.of("page"), what, 'priority 1 goes with page = "at once"')
    if rule.verb is Verb.OPENS and bool(rule.after) != bool(rule.within_minutes):
        missing = "within_minutes" if rule.after else "after"
        yield Problem(
            rule.place.line, f"{missing} is missing", "after and within_minutes go together"
        )
    if rule.takes_over and (rule.takes_over is rule.kind or rule.takes_over in OWN.values()):
        what = f"an incident of kind {rule.takes_over} cannot be taken over here"
        yield Problem(rule.place.of("takes_over"), what, "name another kind")


def _raises(document: Document) -> Iterator[Problem]:
    opened: dict[Kind | None, int] = defaultdict(int)
    for rule in document.rules:
        if rule.verb is Verb.OPENS:
            opened[rule.kind] = max(opened[rule.kind], rule.priority)
    for rule in (rule for rule in document.rules if rule.verb is Verb.RAISES):
        yield from _paging(rule)
        if rule.kind in OWN.values():
            what = f"an incident of kind {rule.kind} is never raised"
            yield Problem(rule.place.of("raises"), what, "its priority is fixed")
        elif opened[rule.kind] <= rule.priority:
            what = f"no rule opens {rule.kind} below priority {rule.priority}"
            do = f"raise it further, or open {rule.kind} with a greater number"
            yield Problem(rule.place.of("priority"), what, do)
        if not (rule.on or rule.at_night or rule.high_risk_home or rule.open_for_seconds):
            what = "nothing says when it raises"
            yield Problem(rule.place.line, what, "give it on, or a condition")
        if rule.findings and not rule.on:
            yield Problem(rule.place.of("findings"), "findings of what?", "add on")


def _closings(document: Document) -> Iterator[Problem]:
    for rule in (rule for rule in document.rules if rule.verb is Verb.CLOSES):
        urgent = [
            other
            for other in document.rules
            if other.kind is rule.kind
            and other.priority == _P1
            and other.verb in (Verb.OPENS, Verb.RAISES)
        ]
        if rule.kind in OWN.values() or urgent:
            what = f"an incident of kind {rule.kind} may be about a life"
            yield Problem(rule.place.of("closes"), what, "only a human closes it")


def _inhibitions(document: Document) -> Iterator[Problem]:
    for rule in (rule for rule in document.rules if rule.verb is Verb.INHIBITS):
        for name in rule.targets:
            priority = CATALOGUE[name].priority
            if priority is not None and priority < Priority.ATTENTION and name not in CALLS:
                what = f"{name} is of priority {int(priority)} and would be muted"
                yield Problem(rule.place.of("inhibits"), what, "only priority 3 and 4 can be")
        for name in rule.on:
            if not any(name in row.restores for row in CATALOGUE.values()):
                what = f"{name} never ends, so it would mute for ever"
                yield Problem(rule.place.of("on"), what, "name an alarm that has a restore")


def _loops(document: Document) -> Iterator[Problem]:
    becomes: dict[str, dict[str, Rule]] = defaultdict(dict)
    mutes: dict[str, dict[str, Rule]] = defaultdict(dict)
    for rule in document.rules:
        if rule.takes_over and rule.kind:
            becomes[rule.takes_over][rule.kind] = rule
        for name in rule.on if rule.verb is Verb.INHIBITS else ():
            mutes[name].update(dict.fromkeys(rule.targets, rule))
    for graph, verb in ((becomes, "becomes"), (mutes, "mutes")):
        found = _cycle(graph)
        if found:
            last = graph[found[-2]][found[-1]]
            what = f"a loop: {f' {verb} '.join(found)}"
            yield Problem(last.place.line, what, "remove one of these rules")


def _cycle(graph: Mapping[str, Mapping[str, Rule]]) -> list[str]:
    """Return one way round, first and last the same; empty when there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for following in graph.get(node, {}):
            found = walk(following, [*way, node])
            if found:
                return found
        done.add(node)
        return []

    for node in graph:
        found = walk(node, [])
        if found:
            return found
    return []
