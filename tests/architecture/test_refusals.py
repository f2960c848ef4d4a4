"""Whatever is refused at a screen has a code, and every code has words in every language."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.console.words import CATALOGUE
from core import errors
from core.errors import PermanentError

ROOT = Path(__file__).parents[2]
ROOMS = ("alerts", "households", "gateway", "app/accounts", "app/api", "app/console", "app/doors")
# what is raised there never stands at a screen
UNREAD = {
    "alerts/audit_seals.py": "the command line",
    "alerts/eta/road_service.py": "a log",
    "alerts/export_check.py": "the command line",
    "alerts/lifecycle.py": "replaying a log; what an operator may not do has a code",
    "alerts/lifeline/carrying.py": "a log; what a responder hears has a code",
    "alerts/lifeline/journal.py": "a log",
    "alerts/paging/apprise_channel.py": "a log, and the delivery",
    "alerts/paging/device_channel.py": "a log, and the delivery",
    "alerts/paging/webhook.py": "a log, and the delivery",
    "alerts/responders.py": "the command line",
    "alerts/roster_file.py": "the command line",
    "alerts/rosters.py": "the command line",
    "app/accounts/callers.py": "a program's token",
    "app/accounts/tokens.py": "a program's token",
    "app/api/commands.py": "a program's mistake",
    "app/api/cursors.py": "a program's mistake",
    "app/api/figures.py": "a program's mistake",
    "app/api/health.py": "a program",
    "app/api/sockets.py": "a program's mistake; the page has words for how a socket ends",
    "app/console/enrolling.py": "led to the sign-in page",
    "app/console/entrance.py": "led to the sign-in page",
    "app/console/oidc.py": "a log; the sign-in page has its own words",
    "app/console/renewing.py": "led to the sign-in page",
    "gateway/registry.py": "the command line",
    "households/homes.py": "the command line",
}
OURS = {
    name
    for name, one in vars(errors).items()
    if isinstance(one, type)
    and issubclass(one, PermanentError)
    and one not in {errors.ConfigurationError, errors.DecodeError}
} | {"Denied", "NotTheirs"}
LETTERS = set(string.ascii_lowercase + "_.")


def raised() -> Iterator[tuple[str, int, ast.Call]]:
    """Yield file, line and call of every refusal that is made in a room."""
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    for file in [*files, ROOT / "app/photo.py"]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in OURS:
                yield str(file.relative_to(ROOT)), node.lineno, node


def codes_of(call: ast.Call) -> list[str]:
    """Return the codes a refusal may carry; a message is no code, its first argument."""
    found = [
        node.value
        for given in call.args[1:]
        for node in ast.walk(given)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [one for one in found if "." in one and set(one) <= LETTERS]


def passes_on(call: ast.Call) -> bool:
    """Say whether the code is another error's, and told from there."""
    return any(isinstance(one, ast.Attribute) and one.attr == "code" for one in call.args[1:])


def test_what_is_refused_at_a_screen_has_a_code() -> None:
    without = [
        f"{file}:{line}"
        for file, line, call in raised()
        if file not in UNREAD
        and getattr(call.func, "id", "") != "Denied"  # has one of its own
        and not codes_of(call)
        and not passes_on(call)
    ]
    assert without == []


def test_a_file_that_is_excused_raises_something() -> None:
    assert UNREAD.keys() - {file for file, _, call in raised() if not codes_of(call)} == set()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_code_has_words_and_every_words_a_code(language: str) -> None:
    words = CATALOGUE[language]
    made = {code for _, _, call in raised() for code in codes_of(call)} | {"denied.role"}
    assert len(made) > 80
    said = {key.removeprefix("refusal.") for key in words if key.startswith("refusal.")}
    assert made - said == set(), "no words"
    assert said - made == set(), "nobody raises it"


def test_the_words_are_filled_with_what_is_given() -> None:
    wrong = []
    for file, line, call in raised():
        given = {one.arg for one in call.keywords}
        for code in codes_of(call):
            text = CATALOGUE["en"][f"refusal.{code}"]
            asked = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            if asked - given:
                wrong.append(f"{file}:{line} {code}: {asked - given}")
    assert wrong == []
