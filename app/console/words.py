"""Every word the screens say, by language; the catalogues stand in `languages`, key by key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from core.errors import ConfigurationError, PermanentError

_FILES = resources.files("app.console").joinpath("languages")


def _catalogue(language: str) -> dict[str, str]:
    """Return the words of a language, from its own file and those of single pages."""
    found: dict[str, str] = {}
    for file in sorted(_FILES.iterdir(), key=lambda file: file.name):
        if file.name == f"{language}.toml" or file.name.endswith(f".{language}.toml"):
            found |= tomllib.loads(file.read_text("utf-8"))
    return found


CATALOGUE: dict[str, Mapping[str, str]] = {
    language: _catalogue(language) for language in ("en", "ko")
}


class Words:
    """The words of one language."""

    def __init__(self, language: str = "en") -> None:
        if language not in CATALOGUE:
            raise ConfigurationError(f"language {language!r}: {', '.join(CATALOGUE)} are there")
        self.language = language
        self._words = CATALOGUE[language]

    def __call__(self, key: str, **given: object) -> str:
        """Return the words for `key`; `KeyError` when the catalogue has none."""
        return self._words[key].format(**given)

    def of(self, group: str, name: str, **given: object) -> str:
        """Return the words for a name that comes from the data; the bare name when new to us."""
        words = self._words.get(f"{group}.{name}")
        return words.format(**given) if words else name.replace("_", " ")

    def refusal(self, error: PermanentError) -> str:
        """Return why something was not done; an error without a code says so in its own English.

        What a sentence is filled with is itself in words where the catalogue has them under the
        same name: a state, say.
        """
        words = self._words.get(f"refusal.{error.code}")
        if words is None:
            return str(error)
        given = error.given.items()
        return words.format(**{name: self._words.get(f"{name}.{one}", one) for name, one in given})

    def why(self, code: str) -> str:
        """Return the words of a refusal by its code alone, empty where that does not do."""
        words = self._words.get(f"refusal.{code}", "")
        return "" if "{" in words else words

    def group(self, *prefixes: str) -> dict[str, str]:
        """Return the words under some prefixes, unfilled, for a script that fills them itself."""
        return {key: text for key, text in self._words.items() if key.startswith(prefixes)}
