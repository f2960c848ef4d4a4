"""A file of rules, read once per process: the running set stays what it was at the start."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

from alerts.rules.checking import problems_of
from alerts.rules.problems import Problem, RulesRefused
from alerts.rules.reading import Reader
from alerts.rules.steps import Step
from alerts.rules.table import Table, compile_rules
from core.settings import Settings

DEFAULT = Path(str(resources.files("alerts.rules").joinpath("default.toml")))


def parse(text: str, file: str) -> Table:
    """Return the rules of a text ready to use; raise `RulesRefused` with all that is wrong."""
    reader = Reader()
    document = reader.read(text)
    problems = list(reader.problems)
    if document is not None and not problems:
        problems = problems_of(document)
    if document is None or problems:
        raise RulesRefused(file, problems)
    if not document.steps:  # a file that says nothing of steps has those that ship
        document = replace(document, steps=_shipped_steps())
    return compile_rules(document)


@lru_cache(maxsize=1)
def _shipped_steps() -> tuple[Step, ...]:
    document = Reader().read(DEFAULT.read_text(encoding="utf-8"))
    if document is None:
        raise AssertionError("the rules that ship cannot be read")
    return document.steps


def load(file: Path) -> Table:
    """Read and check a file of rules. Raises `RulesRefused`."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesRefused(
            str(file), [Problem(1, f"cannot be read: {error}", "name a readable file of UTF-8")]
        ) from error
    return parse(text, str(file))


_loaded = lru_cache(maxsize=8)(load)


def rules_of(settings: Settings) -> Table:
    """Return the rules this process runs by. Raises `RulesRefused` at the first call only."""
    return _loaded(settings.rules or DEFAULT)
