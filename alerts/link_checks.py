"""A page's link and an answer by it, before they count: expired, forged, played again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from alerts.audit import record_access
from alerts.lifecycle import Move
from core import sql
from core.database import Connection
from core.errors import Conflict, Refused

# After the end a responder can still read who went; then the link opens nothing any more.
LIVES_AFTER_END = timedelta(hours=24)
KEY = re.compile(r"[A-Za-z0-9._:-]{8,100}")
_NOTED_AT_MOST = 5  # a home and minute: whoever tries links must not fill the log
_MINUTE = timedelta(minutes=1)
_PAGE_ID = re.compile(r"[1-9][0-9]{0,17}(?=\.)")
_QUERIES = sql.load("alerts", "link_checks.sql")
_ANSWERS = {
    Move.ACCEPT: "accepted",
    Move.DECLINE: "declined",
    Move.WITHDRAW: "declined",
}


def check_alive(conn: Connection, page_id: int, *, now: datetime) -> None:
    """Raise `Refused` for the link of a page whose incident was over 24 h ago."""
    row = conn.execute(_QUERIES["closed_at"], {"page_id": page_id}).fetchone()
    closed_at: datetime | None = row["closed_at"] if row else None
    if closed_at is not None and now - closed_at > LIVES_AFTER_END:
        ended = f"{closed_at:%Y-%m-%d %H:%M} UTC"
        raise Refused(f"this link has expired: the incident was over at {ended}", "link.expired")


def check_fresh(
    conn: Connection, incident_id: int, page_id: int, *, accept: bool, key: str | None
) -> None:
    """Raise `Conflict` for an answer that was given before and has been changed since.

    A request that was recorded and is sent again must not undo what the responder did after it.
    With a new `key` the same answer counts anew; without one it counts once a page.
    """
    wanted = "accepted" if accept else "declined"
    given = {"incident_id": incident_id, "page_id": page_id, "moves": list(_ANSWERS)}
    for row in conn.execute(_QUERIES["answers"], given):
        if _ANSWERS[Move(row["move"])] == wanted and (key is None or row["key"] == key):
            raise Conflict(
                f"this was answered so at {row['at']:%H:%M:%S} UTC, and otherwise since; open the "
                "page to answer anew",
                "page.answered",
            )


def note_refused(conn: Connection, token: str, why: str, *, now: datetime) -> None:
    """Write into the access log that a link was refused, at the home whose page it names.

    At most five lines a home and minute; the token itself is never written.
    """
    match = _PAGE_ID.match(token)
    page_id = int(match.group()) if match else None
    row = conn.execute(_QUERIES["home_of_page"], {"page_id": page_id}).fetchone()
    home = row["household_id"] if row else None
    given = {"household_id": home, "since": now - _MINUTE}
    noted = conn.execute(_QUERIES["refused_lately"], given).fetchone()
    if noted is not None and noted["n"] < _NOTED_AT_MOST:
        record_access(
            conn,
            actor="link",
            action="page.refused",
            household_id=home,
            now=now,
            detail={"page_id": page_id if row else None, "why": why},
        )
