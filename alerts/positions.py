"""Where responders are: the newest position each, only while on the job, and never kept.

A telephone shares from a page whose responder has consented; that ends, and the position is
deleted, when the job does. A pager reports over MQTT while it is on (ingest keeps the newest for an
hour).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isfinite

from alerts.ranking import Fix, Position
from core import sql
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError

KEPT = timedelta(hours=1)
_AHEAD = timedelta(minutes=1)  # a telephone's clock may run so far ahead
_WORST_M = 10_000.0
_QUERIES = sql.load("alerts", "positions.sql")


def fixes_of(conn: Connection, now: datetime) -> dict[str, Fix]:
    """Return the newest position of each responder who has one."""
    values = {"since": now - KEPT, "until": now + _AHEAD}
    return {
        row["responder_id"]: Fix(Position(row["lat"], row["lon"]), row["accuracy_m"], row["at"])
        for row in conn.execute(_QUERIES["fixes"], values).fetchall()
    }


def share(conn: Connection, page_id: int, *, now: datetime) -> None:
    """Note the consent of the page's responder. Raises `NotFound`; `Conflict` off the job."""
    _check_on_the_job(conn, page_id)
    conn.execute(_QUERIES["share"], {"page_id": page_id, "now": now})


def unshare(conn: Connection, page_id: int) -> None:
    """Take the consent back; the position is deleted."""
    conn.execute(_QUERIES["unshare"], {"page_id": page_id})
    forget_page(conn, page_id)


def note(
    conn: Connection, page_id: int, *, lat: float, lon: float, accuracy_m: float, now: datetime
) -> None:
    """Keep where the page's responder is, instead of where they were.

    Raises `NotFound`; `Conflict` when the position is not shared or they are off the job;
    `PermanentError` for what is no position.
    """
    check(lat, lon, accuracy_m)
    values = {"page_id": page_id, "lat": lat, "lon": lon, "accuracy_m": accuracy_m, "at": now}
    if conn.execute(_QUERIES["note"], values).fetchone() is None:
        _check_on_the_job(conn, page_id)
        raise Conflict("the position is not shared", "position.not_shared")


def check(lat: float, lon: float, accuracy_m: float) -> None:
    """Raise `PermanentError` unless this is a position with its accuracy in metres."""
    if not (isfinite(lat) and isfinite(lon) and -90 <= lat <= 90 and -180 <= lon <= 180):
        raise PermanentError(
            f"position {lat}, {lon}: degrees of latitude and longitude", "position.wrong"
        )
    if not 0 <= accuracy_m <= _WORST_M:
        raise PermanentError(f"accuracy {accuracy_m}: 0 to {_WORST_M:.0f} m", "position.wrong")


def forget_page(conn: Connection, page_id: int) -> None:
    """Delete what was shared by this page."""
    conn.execute(_QUERIES["forget_of_page"], {"page_id": page_id})


def forget_incident(conn: Connection, incident_id: int) -> None:
    """Delete what was shared for this incident; it is over."""
    conn.execute(_QUERIES["forget_of_incident"], {"incident_id": incident_id})


def forget_old(conn: Connection, now: datetime) -> None:
    """Delete what is older than an hour, whatever it was for."""
    conn.execute(_QUERIES["forget_old"], {"before": now - KEPT})


def _check_on_the_job(conn: Connection, page_id: int) -> None:
    row = conn.execute(_QUERIES["may_share"], {"page_id": page_id}).fetchone()
    if row is None:
        raise NotFound(f"no page {page_id}", "page.unknown")
    if not row["on_the_job"]:
        raise Conflict("a position is shared on the job only", "position.off_the_job")
