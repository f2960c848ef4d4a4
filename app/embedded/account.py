"""The unprivileged account that PostgreSQL runs as when we are root (it refuses to run as root)."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError

_CANDIDATES = ("doorguard", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Numeric ids of an account that is not root."""

    name: str
    uid: int
    gid: int

    def can(self, test: str, path: Path) -> bool:
        """Ask the kernel, as this account: `test` is `-x`, `-r` or `-w` of test(1)."""
        asked = subprocess.run(
            ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return asked.returncode == 0


def unprivileged() -> Account | None:
    """Return the account to drop to, or None when we are not root and need none."""
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL refuses to run as root, and there is no account "
        f"{', '.join(_CANDIDATES)} to run it as: make one, or start Door Guard as another user"
    )
