"""What a home is told of its own door: no page, nobody is asked to come, nothing is answered.

A notice is planned in the transaction that opens the incident, sent outside of any, and sent again
with the same key until it went out or was planned too long ago to be news.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from alerts.audit import Detail
from alerts.lifecycle import Move
from alerts.paging.delivery import LEASE_S, SEND_WITHIN_S, Claimed, Result, send_within
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import DatabaseAway
from core.model import Page
from core.ports import Channel
from core.telemetry import logger

POLL_S = 0.5
NEWS_FOR_ATTEMPTS = 20  # some eight minutes; then it is no news
_SENDERS = 4
_QUERIES = sql.load("alerts", "notices.sql")
_log = logger(__name__)


def plan(conn: Connection, incident: Incident, *, now: datetime) -> Incident:
    """Tell whom the home has named; nobody named, nothing happens."""
    given = {
        "incident_id": incident.incident_id,
        "household_id": incident.household_id,
        "now": now,
    }
    told = conn.execute(_QUERIES["plan"], given).fetchall()
    if not told:
        return incident
    detail: Detail = {"contacts": len(told)}
    return apply(conn, incident, Move.INFORM, actor=SYSTEM, now=now, detail=detail)


class NoticeSender:
    """Sends what is due, from a thread of its own; any number of processes may."""

    def __init__(self, database: Database, clock: Clock, channels: Sequence[Channel]) -> None:
        self._database = database
        self._clock = clock
        self._channels = {channel.name: channel for channel in channels}
        self._stop = threading.Event()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="notice")
        self._thread = threading.Thread(target=self._run, name="notices")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._senders.shutdown(wait=True, cancel_futures=True)

    def send_due(self) -> int:
        """Send what is due now; return how many attempts were made."""
        now = self._clock.now()
        given = {"now": now, "until": now + timedelta(seconds=LEASE_S), "limit": _SENDERS}
        with self._database.transaction() as conn:
            rows = conn.execute(_QUERIES["claim"], given).fetchall()
        list(self._senders.map(self._send, rows))
        return len(rows)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                while self.send_due():
                    pass
            except DatabaseAway as error:
                _log.warning("notices wait for the database", error=str(error))
            self._stop.wait(POLL_S)

    def _send(self, row: Mapping[str, Any]) -> None:
        claimed = _claimed(row)
        if row["removed_at"] is not None:
            result = Result("the contact was removed")
        else:
            result = send_within(self._channels, claimed, SEND_WITHIN_S, lambda: None)
        again = result.again_after_s if claimed.attempt < NEWS_FOR_ATTEMPTS else None
        now = self._clock.now()
        state = "sent" if result.sent else "failed" if again is None else "queued"
        if not result.sent:
            _log.warning("a notice did not go out", attempt=claimed.attempt, error=result.error)
        given = {
            "notice_id": claimed.delivery_id,
            "state": state,
            "error": result.error,
            "now": now,
            "again_at": None if again is None else now + timedelta(seconds=again),
        }
        with self._database.transaction() as conn:
            conn.execute(_QUERIES["record"], given)


def _claimed(row: Mapping[str, Any]) -> Claimed:
    """Return the notice as a channel takes it: the fields of a page that hold for it."""
    channel = "webhook" if row["webhook_url"] else "apprise"
    page = Page(
        page_id=row["notice_id"],
        idempotency_key=f"notice-{row['notice_id']}-{channel}",
        message="notice",
        responder_id="",
        responder_name=row["name"],
        incident_id=row["incident_id"],
        kind=row["kind"],
        priority=row["priority"],
        household_name=row["household_name"],
        address=row["address"],
        access_note="",
        lat=row["lat"],
        lon=row["lon"],
        distance_m=0.0,
        opened_at=row["opened_at"],
        answer_by=row["opened_at"],
        page_url="",
        accept_url="",
        decline_url="",
    )
    address, secret = row[f"{channel}_url"], row["webhook_secret"] or ""
    return Claimed(row["notice_id"], channel, row["attempts"], page, address, secret)
