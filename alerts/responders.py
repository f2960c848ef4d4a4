"""Who can be asked to come, and how they are reached."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, time
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from alerts import rosters
from alerts.policy import SKILLS
from alerts.shifts import EVERY_DAY, WeeklyShift
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError
from core.secrets import new_secret

Kind = Literal["crew", "guard", "guardian", "engineer", "supervisor", "officer", "counsellor"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Where a responder's row has the address of a channel; in the order of use where none is set.
ADDRESSES = {"device": "device_id", "webhook": "webhook_url", "apprise": "apprise_url"}
_QUERIES = sql.load("alerts")


def add(
    conn: Connection,
    responder_id: str,
    *,
    name: str,
    kind: Kind,
    lat: float,
    lon: float,
    webhook_url: str | None = None,
    apprise_url: str | None = None,
    shift: tuple[time, time] | None = None,
    district: str = "",
    households: Collection[str] = (),
    skills: Collection[str] = (),
    channels: Sequence[str] = (),
    now: datetime,
) -> dict[str, Any]:
    """Add a responder; without a shift (start, end; every day), one around the clock.

    `district` is where a supervisor or officer is responsible and a guard belongs ('': everywhere).
    With `households`, a resident's family say, asked for these homes alone. `skills` are of
    `policy.SKILLS`, `channels` those to use in this order, all there are when empty.

    Returns `responder_id`, `name`, `kind`, and `webhook_secret` (None without a webhook): the
    key of the signatures, shown this once. Raises `Conflict` when the id is taken,
    `PermanentError` when the responder could never be found or reached.
    """
    _check(responder_id, name, kind, lat, lon, webhook_url, apprise_url)
    unknown = sorted(set(skills) - SKILLS)
    if unknown:
        raise PermanentError(f"skill {unknown[0]}: one of {', '.join(sorted(SKILLS))}")
    wrong = [one for one in channels if one not in ADDRESSES]
    if wrong:
        raise PermanentError(f"channel {wrong[0]!r}: one of {', '.join(ADDRESSES)}")
    secret = new_secret() if webhook_url else None
    row = conn.execute(
        _QUERIES["add_responder"],
        {
            "responder_id": responder_id,
            "name": name,
            "kind": kind,
            "lat": lat,
            "lon": lon,
            "now": now,
            "webhook_url": webhook_url,
            "webhook_secret": secret,
            "apprise_url": apprise_url,
            "district": district,
            "households": sorted(households),
            "skills": sorted(skills),
            "channels": list(channels),
        },
    ).fetchone()
    if row is None:
        raise Conflict(f"there is a responder {responder_id} already")
    weekly = () if shift is None else (WeeklyShift(EVERY_DAY, *shift),)
    rosters.set_shifts(conn, responder_id, weekly)
    return {
        "responder_id": responder_id,
        "name": name,
        "kind": kind,
        "webhook_secret": secret,
    }


def remove(conn: Connection, responder_id: str, *, now: datetime) -> None:
    """Page this responder no more; what was is kept. Raises `NotFound`.

    What is queued for the responder the dispatcher drops; the timers of unanswered pages are due
    at once, so that the next is paged.
    """
    values = {"responder_id": responder_id, "now": now}
    if conn.execute(_QUERIES["remove_responder"], values).fetchone() is None:
        raise NotFound(f"no responder {responder_id}")
    conn.execute(_QUERIES["hurry_pages_of_responder"], values)


def list_all(conn: Connection) -> list[dict[str, Any]]:
    """Return every responder (columns of the table, without the secret), by id."""
    return conn.execute(_QUERIES["list_responders"]).fetchall()


def give_device(conn: Connection, responder_id: str, device_id: str) -> None:
    """Let this pager be the responder's, and nobody else's. Raises `NotFound`."""
    conn.execute(_QUERIES["take_device"], {"device_id": device_id})
    values = {"responder_id": responder_id, "device_id": device_id}
    if conn.execute(_QUERIES["give_device"], values).fetchone() is None:
        raise NotFound(f"no responder {responder_id}")


def link_version(conn: Connection, responder_id: str) -> int:
    """Return the version of the responder's own link that holds. Raises `NotFound`."""
    row = conn.execute(_QUERIES["link_version"], {"responder_id": responder_id}).fetchone()
    if row is None:
        raise NotFound(f"no responder {responder_id}")
    return int(row["link_version"])


def renew_link(conn: Connection, responder_id: str) -> int:
    """Make the responder's links so far void; return the version that holds. Raises `NotFound`."""
    row = conn.execute(_QUERIES["renew_link"], {"responder_id": responder_id}).fetchone()
    if row is None:
        raise NotFound(f"no responder {responder_id}")
    return int(row["link_version"])


def ensure_synthetic(conn: Connection, now: datetime) -> None:
    """Make the loopback responder, whom only the minute's synthetic SOS pages."""
    conn.execute(_QUERIES["ensure_synthetic"], {"now": now})


def _check(
    responder_id: str,
    name: str,
    kind: str,
    lat: float,
    lon: float,
    webhook_url: str | None,
    apprise_url: str | None,
) -> None:
    if not responder_id.strip() or not name.strip():
        raise PermanentError("a responder needs an id and a name")
    if kind not in KINDS:
        raise PermanentError(f"kind {kind!r}: one of {', '.join(KINDS)}")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise PermanentError(f"position {lat}, {lon}: degrees of latitude and longitude")
    if webhook_url is None and apprise_url is None:
        raise PermanentError("a responder needs a webhook or an Apprise URL to be paged by")
    if webhook_url is not None:
        parts = urlsplit(webhook_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PermanentError(f"webhook {webhook_url!r}: http:// or https:// is expected")
    if apprise_url is not None and "://" not in apprise_url:
        raise PermanentError("the Apprise URL has no scheme, like mailto:// or tgram://")
