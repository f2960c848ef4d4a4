"""The device registry: provisioning, credentials, the home a device serves, its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bcrypt
from psycopg.types.json import Jsonb

from core import sql
from core.configuration import check
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError
from core.secrets import new_secret
from core.topics import check_device_id, device_root

# Passwords are 256 random bits, which no hash strengthens; the lowest cost keeps a reconnection
# storm of 10,000 devices cheap for the broker.
_BCRYPT_COST = 4
# of the services, and of the markers by which ingest knows how far it has read (core.markers)
RESERVED = ("svc-", "marker-")
PAGER = "pager"
_QUERIES = sql.load("gateway")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What an installer writes into a device; the password is shown this once."""

    device: str
    username: str
    password: str
    topic_root: str


def bcrypt_hash(password: str) -> str:
    """Return the hash the broker checks a random password against."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode()


def add_device(
    conn: Connection,
    device_id: str,
    *,
    household_id: str | None,
    kind: str,
    now: datetime,
    password: str | None = None,
) -> Provisioned:
    """Register a device at a home; without one, a pager, which a responder carries.

    Raises `PermanentError`, `NotFound` (home), `Conflict`.
    """
    if (household_id is None) != (kind == PAGER):
        raise PermanentError("every device but a pager serves a home, and a pager none")
    check_device_id(device_id)
    if device_id.startswith(RESERVED):
        raise Conflict(f"{device_id}: names that begin with {' or '.join(RESERVED)} are our own")
    home = {"household_id": household_id}
    if household_id and conn.execute(_QUERIES["household_exists"], home).fetchone() is None:
        raise NotFound(f"no household {household_id}")
    secret = password or new_secret()
    row = conn.execute(
        _QUERIES["insert_device"],
        {"device_id": device_id, "kind": kind, "password_bcrypt": bcrypt_hash(secret)},
    ).fetchone()
    if row is None:
        raise Conflict(f"device {device_id} exists; remove it first to give it new credentials")
    if household_id:
        conn.execute(_QUERIES["assign"], {**home, "device_id": device_id, "now": now})
    return Provisioned(device_id, device_id, secret, device_root(device_id))


def remove_device(conn: Connection, device_id: str, *, now: datetime) -> None:
    """Revoke the credentials and end the assignment; the history stays. Raises `NotFound`."""
    conn.execute(_QUERIES["end_assignments"], {"device_id": device_id, "now": now})
    if conn.execute(_QUERIES["revoke"], {"device_id": device_id, "now": now}).fetchone() is None:
        raise NotFound(f"no device {device_id}")


def list_devices(conn: Connection) -> list[dict[str, Any]]:
    """Return the devices in service, with home and configuration."""
    return conn.execute(_QUERIES["list_devices"]).fetchall()


def credentials(conn: Connection) -> list[tuple[str, str]]:
    """Return (device id, bcrypt hash) of every device the broker should let in."""
    rows = conn.execute(_QUERIES["device_credentials"]).fetchall()
    return [(row["device_id"], row["password_bcrypt"]) for row in rows]


def configure(conn: Connection, device_id: str, config: dict[str, Any]) -> int:
    """Replace the desired configuration; return its new version.

    Raises `NotFound`, and `DecodeError` with the reason for one that a detector would refuse.
    """
    check(config)
    row = conn.execute(
        _QUERIES["configure"], {"device_id": device_id, "config": Jsonb(config)}
    ).fetchone()
    if row is None:
        raise NotFound(f"no device {device_id}")
    version: int = row["config_version"]
    return version


def configuration(conn: Connection, device_id: str) -> dict[str, Any]:
    """Return the desired configuration, locked until the transaction ends. Raises `NotFound`."""
    row = conn.execute(_QUERIES["configuration"], {"device_id": device_id}).fetchone()
    if row is None:
        raise NotFound(f"no device {device_id}")
    config: dict[str, Any] = row["config"]
    return config


def renew_configurations(conn: Connection, household_id: str) -> None:
    """Something of the home that is published with its devices' configuration has changed."""
    conn.execute(_QUERIES["renew_configurations"], {"household_id": household_id})


def ensure_password(conn: Connection, device_id: str, password: str) -> bool:
    """Make a device's password this one where it differs; return whether the device exists."""
    row = conn.execute(_QUERIES["device_hash"], {"device_id": device_id}).fetchone()
    if row is None:
        return False
    if not bcrypt.checkpw(password.encode(), row["password_bcrypt"].encode()):
        conn.execute(
            _QUERIES["set_password"],
            {"device_id": device_id, "password_bcrypt": bcrypt_hash(password)},
        )
    return True
