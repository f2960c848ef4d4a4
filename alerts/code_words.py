"""Code words: with one a resident cancels an alarm, with the other they say that they are forced.

Kept as Argon2id only. Both are checked at every attempt, so that neither takes longer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core import sql
from core.database import Connection
from core.errors import NotFound, PermanentError

SHORTEST = 4  # characters; five wrong attempts end guessing, see `alerts.cancelling`
_HASHER = PasswordHasher()
_QUERIES = sql.load("alerts")


class Meaning(StrEnum):
    """What a word says."""

    CANCEL = "cancel"
    DURESS = "duress"


def normalized(word: str) -> str:
    """Return a word as it is compared: spoken or typed, capitals and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


def set_words(
    conn: Connection, household_id: str, *, cancel: str, duress: str, now: datetime
) -> None:
    """Keep the two words of a home; raise `NotFound`, `PermanentError` when they would not do."""
    words = {Meaning.CANCEL: normalized(cancel), Meaning.DURESS: normalized(duress)}
    if min(map(len, words.values())) < SHORTEST:
        raise PermanentError(
            f"a code word has {SHORTEST} characters or more, spaces not counted",
            "code_word.short",
            shortest=SHORTEST,
        )
    if words[Meaning.CANCEL] == words[Meaning.DURESS]:
        raise PermanentError(
            "the duress word must be another one than the code word", "code_word.same"
        )
    if conn.execute(_QUERIES["at_high_risk"], {"household_id": household_id}).fetchone() is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
    for meaning, word in words.items():
        conn.execute(
            _QUERIES["set_code_word"],
            {
                "household_id": household_id,
                "meaning": meaning,
                "argon2": _HASHER.hash(word),
                "now": now,
            },
        )


def kept(conn: Connection, household_id: str) -> dict[str, str]:
    """Return the Argon2id strings of a home by meaning; empty when it has no words."""
    rows = conn.execute(_QUERIES["code_words"], {"household_id": household_id}).fetchall()
    return {row["meaning"]: row["argon2"] for row in rows}


def meaning_of(hashes: Mapping[str, str], word: str) -> Meaning | None:
    """Return what the word says, None when it is neither; takes the same time for all three.

    Some 50 ms of work: call it outside a transaction.
    """
    said = normalized(word)
    found = [meaning for meaning in Meaning if _matches(hashes.get(meaning), said)]
    return found[0] if found else None


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this word")


def _matches(argon2: str | None, word: str) -> bool:
    try:
        _HASHER.verify(argon2 or _nobodys(), word)
    except (VerificationError, InvalidHashError):
        return False
    return argon2 is not None
