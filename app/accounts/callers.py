"""Who may call for help while the database is away: digests of tokens and sessions, kept sealed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.accounts.principal import Principal
from app.accounts.tokens import digest
from app.accounts.users import principal_of
from core import sql
from core.database import Connection
from core.errors import Refused
from core.sealing import SealedFile

if TYPE_CHECKING:
    from core.database import Database

_QUERIES = sql.load("app.accounts")


class Caller(msgspec.Struct, frozen=True):
    """The holder of a token or a session, who may call for these homes until it ends."""

    user_id: str
    role: str
    district: str
    households: tuple[str, ...]
    expires_at: datetime


class Callers:
    """Those who may call, as of the last `refresh`; nobody where there never was one.

    One that was revoked since stays good for a call for help, and for nothing else, until the
    database is back: half a minute at most before it went away.
    """

    def __init__(self, folder: Path, service_key: str) -> None:
        self._file = SealedFile(
            folder / "callers", service_key, "lifeline:callers", dict[str, Caller]
        )
        self._known = self._file.read() or {}

    def refresh(self, database: Database, now: datetime) -> None:
        """Read them anew and keep them on disk. Raises `DatabaseAway`, `OSError`."""
        with database.transaction() as conn:
            self._known = _read(conn, now)
        self._file.write(self._known)

    def authenticate(self, secret: str, now: datetime) -> Principal:
        """Return whose token or session this is; raise `Refused` for strangers."""
        caller = self._known.get(digest(secret).hex())
        if caller is None or caller.expires_at <= now:
            raise Refused("this token or session is unknown, expired or revoked")
        return principal_of(msgspec.structs.asdict(caller))


def _read(conn: Connection, now: datetime) -> dict[str, Caller]:
    rows = conn.execute(_QUERIES["callers"], {"now": now}).fetchall()
    return {bytes(row.pop("sha256")).hex(): msgspec.convert(row, Caller) for row in rows}
