"""What a file of rules is refused for: line, what is wrong, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rules.loading import DEFAULT, load, parse
from alerts.rules.problems import RulesRefused

SHIPPED = DEFAULT.read_text(encoding="utf-8")
LAST = len(SHIPPED.splitlines())
_NOBODY = 'page = "nobody"'


def refused(text: str) -> list[str]:
    """Return the problems as `line: what; do`."""
    with pytest.raises(RulesRefused) as raised:
        parse(text, "my.toml")
    assert str(raised.value).startswith("the rules are refused\nmy.toml:")
    return [f"{one.line}: {one.what}; {one.do}" for one in raised.value.problems]


def with_rule(*lines: str) -> str:
    """Return the rules that ship and one more; its header stands in line LAST + 1."""
    return "\n".join([SHIPPED.rstrip("\n"), "[[rule]]", 'name = "mine"', *lines])


def line_of(text: str, nth: int = 1) -> int:
    """Return in which line of the shipped file a text stands for the nth time."""
    lines = [n for n, line in enumerate(SHIPPED.splitlines(), 1) if text in line]
    return lines[nth - 1]


def test_what_ships_is_in_order() -> None:
    load(DEFAULT)


@pytest.mark.parametrize(
    ("lines", "at", "said"),
    [
        (
            ['on = "sos.presed"', 'opens = "sos"', "priority = 1", 'page = "at once"'],
            3,
            "no event type is called 'sos.presed'; did you mean 'sos.pressed'?",
        ),
        (
            ['on = ["motion.sensed"]', 'joins = "loitering"'],
            3,
            "motion.sensed never reaches the alarms process",
        ),
        (['on = "battery.low"', 'jions = "technical"'], 1, "this does nothing; choose of opens"),
        (['on = "battery.low"', 'joins = "tecnical"'], 4, "did you mean 'technical'?"),
        (['on = "battery.low"', 'joins = "camera"', "prioritty = 3"], 5, "has no 'prioritty'"),
        (['joins = "camera"'], 1, "on is missing"),
        (['on = "battery.low"', 'opens = "camera"', 'raises = "camera"'], 1, "opens and raises"),
        (
            ['on = "battery.low"', 'opens = "camera"', "priority = 0", 'page = "nobody"'],
            5,
            "0 does not fit; a whole number from 1 to 4",
        ),
        (
            ['on = "battery.low"', 'opens = "camera"', "priority = 4", 'page = "noboddy"'],
            6,
            "did you mean 'nobody'?",
        ),
        (["on = []", 'joins = "camera"'], 3, "event types are expected"),
        (
            ['raises = "loitering"', "at_night = false", "priority = 2", 'page = "nobody"'],
            4,
            "False is no condition",
        ),
        (
            ['on = "door.unlocked"', 'by = "anybody"', 'closes = "camera"', 'cause = "visitor"'],
            4,
            "by 'anybody' is unknown",
        ),
        (
            ['on = "door.unlocked"', 'by = "resident"', 'closes = "camera"', 'cause = "vistor"'],
            6,
            "did you mean 'visitor'?",
        ),
    ],
)
def test_words_that_do_not_fit(lines: list[str], at: int, said: str) -> None:
    found = refused(with_rule(*lines))
    assert any(one.startswith(f"{LAST + at}: ") and said in one for one in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\nversion = 1\n", "2: this is no TOML"),
        ("version = 1\n[[rule]]\nname = \n", "3: this is no TOML"),
        ('version = 1\n[[rule]]\nname = "x', "3: this is no TOML"),
        ("", "1: the version is missing or unknown; write version = 1"),
        ("version = 2\n", "1: the version is missing or unknown"),
        ('version = 1\nx = """\n"""\n', '2: """ is not used in rules'),
        ("version = 1\nrules = 1\n", "2: 'rules' means nothing here; did you mean 'rule'?"),
        ("version = 1\nrule = [{}]\n", "2: rules are tables; begin each with a line [[rule]]"),
        ('version = 1\n[night]\nfrom = "25:00"\n', "3: '25:00' is no local time of day"),
        ('version = 1\n[night]\nform = "21:00"\n', "3: night has no 'form'"),
        ('version = 1\n[otherwise]\nopens = "x"\n', "3: no kind of incident is called 'x'"),
    ],
)
def test_texts_that_are_no_rules(text: str, said: str) -> None:
    assert any(one.startswith(said) for one in refused(text)), refused(text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RulesRefused, match=r"none\.toml:1: cannot be read"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('page = "at once"', 'page = "after grace"', "sos.pressed would be delayed or muted"),
        ('page = "at once"', 'page = "nobody"', "sos.pressed would be delayed or muted"),
        ("priority = 1", "priority = 2", "sos.pressed would wait behind others"),
        ('opens = "sos"', 'opens = "technical"', "would be grouped with incidents of kind tech"),
        ('page = "at once"', 'page = "at once"\nat_night = true', "heard only sometimes"),
        (
            'page = "at once"',
            'page = "at once"\nafter = "loiter.started"\nwithin_minutes = 5',
            "heard only sometimes; remove after",
        ),
        ('page = "at once"', 'page = "at once"\ntakes_over = "loitering"', "stands alone"),
        ('page = "at once"', 'page = "at once"\ntell = "residents"', "would hear of sos.pressed"),
        ('page = "at once"', 'page = "at once"\ntell = "everybody"', "tell 'everybody' is unknown"),
        (
            'on = "sos.pressed"',
            'on = "duress.pressed"',
            "no rule opens an incident for sos.pressed",
        ),
    ],
)
def test_the_sos_rule_cannot_be_weakened(old: str, new: str, said: str) -> None:
    found = refused(SHIPPED.replace(old, new, 1))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ['on = "gateway.offline"', 'inhibits = "sos.pressed"'],
            "sos.pressed stands in inhibits; a call for help is no condition",
        ),
        (
            ['on = "sos.pressed"', 'inhibits = "battery.low"'],
            "a rule that inhibits would group sos.pressed away or hold it up",
        ),
        (
            ['on = "sos.pressed"', 'joins = "loitering"'],
            "a rule that joins would group sos.pressed",
        ),
        (
            ['on = "sos.pressed"', 'by = "resident"', 'closes = "camera"', 'cause = "visitor"'],
            "a rule that closes would group sos.pressed",
        ),
        (
            ['on = "battery.low"', 'joins = "sos"'],
            "an incident of kind sos is for its own event alone, not for battery.low",
        ),
        (
            ['on = "door.unlocked"', 'by = "resident"', 'closes = "sos"', 'cause = "visitor"'],
            "an incident of kind sos may be about a life; only a human closes it",
        ),
        (
            [
                'on = "door.unlocked"',
                'by = "resident"',
                'closes = "intrusion"',
                'cause = "visitor"',
            ],
            "an incident of kind intrusion may be about a life",
        ),
        (
            ['raises = "sos"', "at_night = true", "priority = 1", 'page = "at once"'],
            "an incident of kind sos is never raised",
        ),
        (['on = "gateway.offline"', 'inhibits = "door.forced"'], "priority 1 and would be muted"),
        (['on = "gateway.offline"', 'inhibits = "tamper.opened"'], "priority 2 and would be muted"),
        (['on = "inactivity.raised"', 'inhibits = "battery.low"'], ""),
        (['on = "sos.test"', 'inhibits = "battery.low"'], "sos.test never ends"),
        (['on = "door.forced"', 'joins = "loitering"'], "door.forced is life safety; it joins"),
        (
            ['on = "battery.low"', 'opens = "camera"', "priority = 4", 'page = "nobody"'],
            "always comes first; put this rule before it, or remove it",
        ),
        (
            ['on = "door.unlocked"', 'opens = "camera"', "priority = 4", 'page = "nobody"'],
            "door.unlocked is no alarm and opens nothing",
        ),
        (
            ['raises = "camera"', 'on = "camera.frozen"', "priority = 1", 'page = "after grace"'],
            "a life-safety incident that pages after grace",
        ),
        (
            ['raises = "camera"', "priority = 2", 'page = "nobody"'],
            "nothing says when it raises",
        ),
        (
            ['raises = "tamper"', "at_night = true", "priority = 3", 'page = "nobody"'],
            "no rule opens tamper below priority 3",
        ),
        (
            [
                'raises = "camera"',
                "at_night = true",
                "findings = 2",
                "priority = 2",
                'page = "nobody"',
            ],
            "findings of what?",
        ),
    ],
)
def test_rules_that_must_not_run(lines: list[str], said: str) -> None:
    if not said:  # silly, and nobody's danger
        parse(with_rule(*lines), "my.toml")
        return
    found = refused(with_rule(*lines))
    assert any(said in one for one in found), found


def test_loops() -> None:
    mutual = with_rule('on = "device.offline"', 'inhibits = "gateway.offline"')
    (found,) = refused(mutual)
    assert "a loop: gateway.offline mutes device.offline mutes gateway.offline" in found
    back = SHIPPED.replace(
        'opens = "loitering"', 'opens = "loitering"\ntakes_over = "intrusion"', 1
    )
    assert any(
        "a loop: loitering becomes intrusion becomes loitering" in one for one in refused(back)
    )


def test_two_rules_of_one_name() -> None:
    text = with_rule('on = "device.offline"', 'joins = "camera"').replace('"mine"', '"SOS"')
    assert any(
        one.startswith(f"{LAST + 2}: 'SOS' is the name of the rule in line")
        for one in refused(text)
    )


def test_an_alarm_that_no_rule_names_is_seen_all_the_same() -> None:
    start = SHIPPED.index('[[rule]]\nname = "no sign of life"')
    end = SHIPPED.index("# Faults are work")
    rules = parse(SHIPPED[:start] + SHIPPED[end:], "my.toml")
    assert "inactivity.raised" not in rules.first
    gone = SHIPPED.replace(
        'name = "forced door"\non = "door.forced"', 'name = "x"\non = "battery.low"'
    )
    assert any("door.forced is life safety, and no rule without" in one for one in refused(gone))
