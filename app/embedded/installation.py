"""The data folder of one installation: its secrets, its ports, and how to reach what runs in it."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from app.embedded.ports import free_port, is_free
from core.errors import ConfigurationError
from core.secrets import new_secret


def default_folder() -> Path:
    """Return the folder below the XDG state folder, where `doorguard up` keeps everything."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "doorguard"


def reachable_folder() -> Path:
    """Return where an unprivileged account finds what lies out of its reach, when we are root."""
    return Path("/var/lib/doorguard")


class Installation:
    """Files of a data folder. Only its owner can read the secrets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        # as root the database's account must be able to walk through; secrets are 0600 themselves
        mode = 0o711 if os.geteuid() == 0 else 0o700
        self._lock: IO[str] | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=mode)
        except OSError as error:
            raise ConfigurationError(f"the data folder {self.folder}: {error}") from error

    def lock(self) -> None:
        """Hold the folder until we end. Raises `ConfigurationError` when another process does."""
        try:
            self._lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise ConfigurationError(f"the data folder {self.folder}: {error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"another `doorguard up` runs on {self.folder}; name a different --data folder"
            ) from None

    def unlock(self) -> None:
        if self._lock:
            self._lock.close()

    def secret(self, name: str) -> str:
        """Return a secret of this installation, made at first use."""
        secrets = self._read("secrets.json")
        if name not in secrets:
            secrets[name] = new_secret()
            self._write("secrets.json", secrets)
        value: str = secrets[name]
        return value

    def port(self, name: str, wanted: int | None = None) -> int:
        """Return a port that stays the same from start to start while it is free."""
        ports = self._read("ports.json")
        if wanted is None:
            port = free_port(ports.get(name))
        elif not 1 <= wanted <= 65535:
            raise ConfigurationError(f"port {wanted}: 1 to 65535 is expected")
        elif not is_free(wanted):
            raise ConfigurationError(f"port {wanted} for {name} is in use or not ours to open")
        else:
            port = wanted
        if ports.get(name) != port:
            ports[name] = port
            self._write("ports.json", ports)
        return port

    def write_environment(self, environment: dict[str, str]) -> None:
        """Note how other commands reach what runs here."""
        self._write("environment.json", environment)

    def environment(self) -> dict[str, str]:
        """Return what `write_environment` noted, empty when nothing ever ran here."""
        return self._read("environment.json")

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self.folder / name} cannot be read: {error}") from error
        return found

    def _write(self, name: str, content: dict[str, Any]) -> None:
        half = self.folder / f".{name}"
        half.touch(mode=0o600)
        half.write_text(json.dumps(content, indent=1), encoding="utf-8")
        half.replace(self.folder / name)
