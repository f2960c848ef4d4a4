"""A lifeline's folder: one process' at a time, and whoever lives carries on what a dead one left.

The first is `lifeline`, then `lifeline-2` and so on, below the state folder. Whose it is says a
file lock, which the kernel lifts however its holder ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from alerts.lifeline.journal import is_idle
from core.errors import ConfigurationError

_NAME = "lifeline"
_MOST = 64


class Folder:
    """A folder that is ours until `release`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def release(self) -> None:
        os.close(self._lock)


def claim(state: Path) -> Folder:
    """Return the first folder that is nobody's, made where missing. Raises `ConfigurationError`."""
    for number in range(1, _MOST + 1):
        path = state / (_NAME if number == 1 else f"{_NAME}-{number}")
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = _locked(path)
        if folder is not None:
            return folder
    raise ConfigurationError(f"{_MOST} alarms processes use {state} already")


def left_behind(state: Path) -> list[Folder]:
    """Return, as ours, the folders in which processes that are gone left something carried.

    Others are not touched: somebody may be claiming one in this moment.
    """
    paths = (path for path in sorted(state.glob(f"{_NAME}*")) if path.is_dir())
    found = (_locked(path) for path in paths if not is_idle(path))
    return [folder for folder in found if folder is not None]


def _locked(path: Path) -> Folder | None:
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Folder(path, lock)
