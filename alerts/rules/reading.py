"""From TOML to rules: shapes and words are checked here, what they mean in `checking`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import time
from typing import Any

from alerts.dispositions import FALSE_CAUSES
from alerts.policy import Kind
from alerts.rules.lines import Place, places
from alerts.rules.problems import Problem
from alerts.rules.rule import KEYS, PAGING, Document, Night, Rule, Verb
from alerts.rules.steps import read_steps
from alerts.rules.words import listed, one_of

VERSION = 1
_TABLES = ("version", "night", "otherwise", "rule", "step")
_AT = re.compile(r"at line (\d+)")


class Reader:
    """Reads one text; `problems` holds what was wrong with it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, text: str) -> Document | None:
        """Return the rules of a text, None when it is not TOML or not of a version we know."""
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = _AT.search(str(error))
            last = max(1, len(text.splitlines()))
            self._wrong(
                int(at[1]) if at else last, f"this is no TOML: {error}", "see https://toml.io"
            )
            return None
        for mark in ('"""', "'''"):
            if mark in text:
                line = text[: text.index(mark)].count("\n") + 1
                self._wrong(line, f"{mark} is not used in rules", "write the string in one line")
                return None
        where = places(text)
        root = where[""][0]
        if given.get("version") != VERSION:
            self._wrong(
                root.of("version"), "the version is missing or unknown", "write version = 1"
            )
            return None
        for key in given:
            if key not in _TABLES:
                line = where[key][0].line if key in where else root.of(key)
                self._wrong(line, f"{key!r} means nothing here", one_of(key, _TABLES))
        night = self._night(given.get("night", {}), where.get("night", [Place(1)])[0])
        otherwise = self._otherwise(given.get("otherwise", {}), where.get("otherwise", [Place(1)]))
        listed = given.get("rule", [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            self._wrong(root.of("rule"), "rules are tables", "begin each with a line [[rule]]")
            listed = []
        spots = where.get("rule", [])
        if len(spots) != len(listed):
            self._wrong(root.of("rule"), "rules are tables", "begin each with a line [[rule]]")
            listed = []
        read = [self._rule(one, spot) for one, spot in zip(listed, spots, strict=False)]
        steps = read_steps(given.get("step", []), where.get("step", []), self.problems)
        return Document(tuple(rule for rule in read if rule), night, otherwise, steps)

    def _wrong(self, line: int, what: str, do: str) -> None:
        self.problems.append(Problem(line, what, do))

    def _night(self, given: Any, place: Place) -> Night:
        if not isinstance(given, dict):
            self._wrong(place.line, "night is a table", "write [night], from and to")
            return Night()
        for key in given:
            if key not in ("from", "to"):
                self._wrong(place.of(key), f"night has no {key!r}", "from and to are its keys")
        usual = Night()
        return Night(
            self._time(given.get("from", usual.start), place.of("from")),
            self._time(given.get("to", usual.end), place.of("to")),
        )

    def _time(self, given: Any, line: int) -> time:
        try:
            found = time.fromisoformat(str(given))
        except ValueError:
            found = None
        if found is None or found.tzinfo:
            self._wrong(line, f"{given!r} is no local time of day", 'write "22:00", say')
            return time(0)
        return found

    def _otherwise(self, given: Any, spots: list[Place]) -> Kind:
        place = spots[0]
        if not isinstance(given, dict) or set(given) - {"opens"}:
            self._wrong(place.line, "otherwise has one key, opens", 'opens = "technical"')
            return Kind.TECHNICAL
        return self._kind(given.get("opens", Kind.TECHNICAL), place.of("opens")) or Kind.TECHNICAL

    def _kind(self, given: Any, line: int) -> Kind | None:
        try:
            return Kind(given)
        except ValueError:
            self._wrong(line, f"no kind of incident is called {given!r}", one_of(given, Kind))
            return None

    def _rule(self, given: dict[str, Any], place: Place) -> Rule | None:
        before = len(self.problems)
        verbs = [verb for verb in Verb if verb in given]
        if len(verbs) != 1:
            said = " and ".join(verbs) or "nothing"
            self._wrong(
                place.line, f"a rule does one thing, this does {said}", f"choose of {listed(Verb)}"
            )
            return None
        verb = verbs[0]
        self._keys(verb, given, place)
        values: dict[str, Any] = {}
        if verb is Verb.INHIBITS:
            values["targets"] = self._types(given[verb], place.of(verb))
        else:
            values["kind"] = self._kind(given[verb], place.of(verb))
        for key, read in self._readers().items():
            if key in given and key in KEYS[verb]:
                values[key] = read(given[key], place.of(key))
        name = given.get("name")
        if "name" in given and (not isinstance(name, str) or not name.strip()):
            self._wrong(place.of("name"), "a name is a text", 'name = "loitering at night", say')
        if len(self.problems) > before:
            return None
        values.pop("by", None)  # there is one answer
        return Rule(name=str(name), place=place, verb=verb, **values)

    def _keys(self, verb: Verb, given: dict[str, Any], place: Place) -> None:
        known = {"name", verb.value, *KEYS[verb]}
        for key in given:
            if key not in known:
                self._wrong(place.of(key), f"a rule that {verb} has no {key!r}", one_of(key, known))
        for key in ("name", *(key for key, needed in KEYS[verb].items() if needed)):
            if key not in given:
                self._wrong(place.line, f"{key} is missing", f"a rule that {verb} needs it")

    def _readers(self) -> dict[str, Callable[[Any, int], Any]]:
        return {
            "on": self._types,
            "after": self._types,
            "priority": lambda v, line: self._number(v, line, 1, 4),
            "page": self._page,
            "within_minutes": lambda v, line: self._number(v, line, 1, 1440),
            "findings": lambda v, line: self._number(v, line, 2, 100),
            "open_for_seconds": lambda v, line: self._number(v, line, 1, 86_400),
            "at_night": self._flag,
            "high_risk_home": self._flag,
            "takes_over": self._kind,
            "cause": self._cause,
            "by": self._by,
            "tell": self._tell,
        }

    def _types(self, given: Any, line: int) -> tuple[str, ...]:
        listed = given if isinstance(given, list) else [given]
        if not listed or not all(isinstance(one, str) for one in listed):
            self._wrong(line, "event types are expected", 'write "sos.pressed", say, or a list')
            return ()
        return tuple(dict.fromkeys(listed))

    def _number(self, given: Any, line: int, least: int, most: int) -> int:
        if isinstance(given, int) and not isinstance(given, bool) and least <= given <= most:
            return given
        self._wrong(line, f"{given!r} does not fit", f"a whole number from {least} to {most}")
        return most

    def _page(self, given: Any, line: int) -> str:
        if isinstance(given, str) and given in PAGING:
            return PAGING[given]
        self._wrong(line, f"page {given!r} is unknown", one_of(given, PAGING))
        return "never"

    def _flag(self, given: Any, line: int) -> bool:
        if given is not True:
            self._wrong(line, f"{given!r} is no condition", "write true, or leave the line out")
        return True

    def _by(self, given: Any, line: int) -> str:
        if given != "resident":
            self._wrong(line, f"by {given!r} is unknown", 'write by = "resident"')
        return "resident"

    def _tell(self, given: Any, line: int) -> bool:
        if given != "residents":
            self._wrong(line, f"tell {given!r} is unknown", 'write tell = "residents"')
        return True

    def _cause(self, given: Any, line: int) -> str:
        if given not in FALSE_CAUSES:
            self._wrong(line, f"cause {given!r} is unknown", one_of(given, FALSE_CAUSES))
        return str(given)
