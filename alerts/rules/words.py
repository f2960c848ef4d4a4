"""How to say which word was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a question after the known word most like this one, '' when none is like it."""
    found = difflib.get_close_matches(str(word), sorted(map(str, known)), n=1)
    return f"did you mean '{found[0]}'?" if found else ""


def one_of(word: object, known: Iterable[str]) -> str:
    """Return what to write instead: the nearest known word, else all of them."""
    return nearest(word, known) or f"one of {listed(known)}"


def listed(words: Iterable[str]) -> str:
    """Return the words in a row."""
    return ", ".join(str(word) for word in words)
