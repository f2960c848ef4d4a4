"""What is wrong with a file of rules, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem at one line (1 is the first); `what` is wrong, `do` puts it right."""

    line: int
    what: str
    do: str


class RulesRefused(ConfigurationError):  # noqa: N818 - reads as what happened
    """A file of rules that nobody may run by; the message names file and line of each problem."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        lines = [f"{file}:{one.line}: {one.what}; {one.do}" for one in self.problems]
        super().__init__("\n".join(["the rules are refused", *lines]))
