"""Every word the screens say, by language; the catalogues stand in `languages`, key by key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from core.errors import ConfigurationError

_FILES = resources.files("app.console").joinpath("languages")
CATALOGUE: dict[str, Mapping[str, str]] = {
    language: tomllib.loads(_FILES.joinpath(f"{language}.toml").read_text("utf-8"))
    for language in ("en", "ko")
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
