"""Over every rule set that loads: an SOS is never delayed, grouped away, muted or throttled."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import Kind
from alerts.rules.deciding import Home, OpenIncident, Opens, decide
from alerts.rules.loading import parse
from alerts.rules.problems import RulesRefused
from alerts.rules.rule import PAGING
from alerts.rules.table import Table
from core.catalogue import CATALOGUE

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
CALLS = {"sos.pressed": Kind.SOS, "duress.pressed": Kind.DURESS}
WEIGHED = sorted(name for name, row in CATALOGUE.items() if row.weighed)
LIKELY = ["sos.pressed", "duress.pressed", "battery.low", "loiter.started", "device.offline"]
ALARMS = sorted(name for name, row in CATALOGUE.items() if row.priority is not None)

HARMLESS = ["battery.low", "camera.covered", "device.offline", "gateway.offline", "loiter.started"]
flags = st.just(True)
paging = st.sampled_from(sorted(PAGING))
when: dict[str, st.SearchStrategy[Any]] = {"at_night": flags, "high_risk_home": flags}


def one_rule(types: list[str], kinds: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return rules of every verb about these types and kinds."""
    lists = st.lists(st.sampled_from(types), min_size=1, max_size=3, unique=True)
    kind, priority = st.sampled_from(kinds), st.integers(1, 4)
    opens = {"on": lists, "opens": kind, "priority": priority, "page": paging}
    after = {"after": lists, "within_minutes": st.integers(1, 90)}
    raises = {"raises": kind, "priority": priority, "page": paging}
    counts = {"on": lists, "findings": st.integers(2, 4), "open_for_seconds": st.integers(1, 600)}
    closes = {"closes": kind, "by": st.just("resident"), "cause": st.just("visitor")}
    return st.one_of(
        st.fixed_dictionaries(opens, optional=when | {"takes_over": kind}),
        st.fixed_dictionaries(opens | after, optional=when | {"takes_over": kind}),
        st.fixed_dictionaries({"on": lists, "joins": kind}),
        st.fixed_dictionaries(raises, optional=when | counts),
        st.fixed_dictionaries({"on": lists} | closes),
        st.fixed_dictionaries({"on": lists, "inhibits": lists}),
    )


# rules of which many load, and rules about anything at all
sensible = one_rule(HARMLESS, ["camera", "inactivity", "loitering", "technical"])
anything = one_rule(LIKELY + WEIGHED, [kind.value for kind in Kind])

# the least that loads; the generated rules stand before, between and after
BASE: list[dict[str, Any]] = [
    {"on": [name], "opens": kind, "priority": priority, "page": "at once"}
    for name, kind, priority in (
        ("sos.pressed", "sos", 1),
        ("duress.pressed", "duress", 1),
        ("door.forced", "intrusion", 1),
        ("sos.test", "test", 4),
    )
]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true"
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def written(rules: list[dict[str, Any]]) -> str:
    lines = ["version = 1"]
    for n, rule in enumerate(rules):
        lines += ["[[rule]]", f'name = "rule {n}"']
        lines += [f"{key} = {_value(value)}" for key, value in rule.items()]
    return "\n".join(lines)


@st.composite
def rule_files(draw: st.DrawFn) -> str:
    rules = [*BASE] if draw(st.integers(0, 9)) else BASE[draw(st.integers(0, 3)) :]
    source = sensible if draw(st.booleans()) else st.one_of(sensible, anything)
    for rule in draw(st.lists(source, max_size=3)):
        rules.insert(draw(st.integers(0, len(rules))), rule)
    return written(rules)


incidents = st.builds(
    OpenIncident,
    kind=st.sampled_from(Kind),
    priority=st.integers(1, 4),
    findings=st.dictionaries(st.sampled_from(ALARMS), st.integers(1, 5), max_size=3),
    outstanding=st.frozensets(st.sampled_from(ALARMS), max_size=4),
    taken=st.booleans(),
    open_for_s=st.floats(0, 90_000),
)
homes = st.builds(
    Home,
    open=st.lists(incidents, max_size=4).map(lambda some: {one.kind: one for one in some}),
    lately=st.lists(
        st.tuples(
            st.sampled_from(ALARMS),
            st.integers(-90, 90).map(lambda minutes: AT + timedelta(minutes=minutes)),
        ),
        max_size=4,
    ).map(tuple),
    local=st.times(),
    high_risk=st.booleans(),
    by_resident=st.booleans(),
)


def loaded(text: str) -> Table | None:
    try:
        return parse(text, "generated")
    except RulesRefused as refused:
        assert refused.problems
        assert all(one.line >= 1 and one.what and one.do for one in refused.problems)
        return None


@given(rule_files(), homes)
def test_a_call_for_help_opens_its_own_incident_p1_at_once(text: str, home: Home) -> None:
    rules = loaded(text)
    if rules is None:
        return
    for name, kind in CALLS.items():
        found = decide(rules, name, AT, home)
        assert isinstance(found, Opens)
        assert (found.kind, found.priority, found.page) == (kind, 1, "at_once")
        assert found.takes_over is None
        assert name not in rules.looks_at_home


@given(rule_files(), homes, st.sampled_from(sorted(set(CATALOGUE) - set(CALLS))))
def test_nothing_else_lands_in_a_call_for_help(text: str, home: Home, event_type: str) -> None:
    rules = loaded(text)
    found = rules and decide(rules, event_type, AT, home)
    if found and not getattr(found, "inhibited", False):
        assert found.kind not in CALLS.values()


@pytest.mark.parametrize("extra", [0, 1])
def test_the_generator_makes_sets_that_load_and_sets_that_do_not(extra: int) -> None:
    muting = {"on": ["gateway.offline"], "inhibits": ["sos.pressed"]}
    assert (loaded(written([*BASE, *[muting] * extra])) is None) == bool(extra)


def test_night_across_midnight_and_not() -> None:
    text = 'version = 1\n[night]\nfrom = "{}"\nto = "{}"\n' + written(BASE).split("\n", 1)[1]
    across = loaded(text.format("21:00", "06:00"))
    within = loaded(text.format("01:00", "05:00"))
    assert across
    assert within
    assert [across.night.holds(time(h)) for h in (20, 21, 0, 6)] == [False, True, True, False]
    assert [within.night.holds(time(h)) for h in (0, 1, 4, 5)] == [False, True, True, False]
