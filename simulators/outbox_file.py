"""The outbox on disk: written whole, atomically, so that a power cut forgets nothing."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import ConfigurationError
from simulators.outbox import Outbox


def load(path: Path) -> Outbox:
    """Return the outbox kept in `path`, an empty one where there is no file yet.

    Raises `ConfigurationError` for a file that is not an outbox: starting empty would lose events.
    """
    try:
        dumped = path.read_bytes()
    except FileNotFoundError:
        return Outbox()
    try:
        return Outbox.restore(dumped)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def save(path: Path, outbox: Outbox) -> None:
    """Replace `path` by the present state; on disk when this returns."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(outbox.dump())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
