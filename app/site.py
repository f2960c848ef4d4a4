"""Which installation a command speaks to: named outright, by the environment, or a data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.embedded.installation import Installation, default_folder
from core.database import Connection, connect
from core.errors import ConfigurationError
from core.settings import Settings, database_dsn, load


@dataclass(frozen=True, slots=True)
class Site:
    """`--data`, `--database` and `--broker` of one command, each None when not given."""

    data: Path | None = None
    database: str | None = None
    broker: str | None = None

    @property
    def folder(self) -> Path:
        return self.data or default_folder()

    def _noted(self) -> dict[str, str]:
        if (self.folder / "environment.json").exists():
            return Installation(self.folder).environment()
        return {}

    def settings(self) -> Settings:
        """Return all settings. Raises `ConfigurationError` naming what is missing."""
        for name, value in self._noted().items():
            os.environ.setdefault(name, value)
        return load(database=database_dsn(self.database), broker=self.broker)

    def dsn(self) -> str:
        """Return the database alone, for commands that need no more."""
        found = database_dsn(self.database) or self._noted().get("DOORGUARD_DATABASE")
        if not found:
            raise ConfigurationError(
                f"nothing runs in {self.folder}: start `doorguard up` first, or name a system by "
                "--data FOLDER, --database DSN or DOORGUARD_DATABASE"
            )
        return found

    def connect(self) -> Connection:
        """Open a connection; raise `DatabaseAway`."""
        return connect(self.dsn(), application="doorguard-cli")
