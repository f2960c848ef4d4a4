"""What a word says; the hashes are real, so each check takes its while."""

from __future__ import annotations

from alerts.code_words import _HASHER, Meaning, meaning_of, normalized

HASHES = {
    "cancel": _HASHER.hash(normalized("Blue Bird")),
    "duress": _HASHER.hash(normalized("파란 새")),
}


def test_a_word_is_compared_as_it_is_spoken() -> None:
    assert normalized(" Blue  BIRD\t") == normalized("bluebird")
    assert normalized("파란") == normalized("파란")
    assert meaning_of(HASHES, "BLUE bird") is Meaning.CANCEL
    assert meaning_of(HASHES, "파란새") is Meaning.DURESS


def test_another_word_says_nothing_and_so_does_any_where_none_is_kept() -> None:
    assert meaning_of(HASHES, "green bird") is None
    assert meaning_of({}, "bluebird") is None
    assert meaning_of({"cancel": "not a hash"}, "bluebird") is None
