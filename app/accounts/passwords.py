"""Passwords: made by us, kept only as Argon2id (RFC 9106, the library's low-memory profile)."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# no 0/o, 1/l/i: a password is read off a terminal and typed at a console
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARS = 4, 5  # 31^20: 99 bits
_HASHER = PasswordHasher()


def new_password() -> str:
    """Return a random password of 99 bits, in groups that can be read aloud."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)
    )


def digest(password: str) -> str:
    """Return the Argon2id string to keep."""
    return _HASHER.hash(password)


@cache
def _nobodys() -> str:
    return digest(new_password())


def matches(kept: str | None, password: str) -> bool:
    """Say whether the password fits; costs the same when there is no such user (`kept` None)."""
    try:
        _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
