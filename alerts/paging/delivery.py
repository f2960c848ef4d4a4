"""One delivery from claim to result; each step a short transaction, the sending outside of any.

    queued ──claim──▶ leased ──send──▶ sent
       ▲                 ├── temporary: queued again, after 1, 2, 4, 8 … 30 s
       └── lease over ───┼── permanent: failed; all channels failed: the next responder
                         └── nobody waits for it any more: dropped

The lease moves `next_attempt_at` ahead: when a process dies between claim and result, the message
is due again as soon as its connection has ended (`release_claims`); when it stands still, as soon
as the lease is over. It carries the same idempotency key. A duplicate page beats a lost one.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.audit import Detail
from alerts.lifecycle import Move
from alerts.links import links
from alerts.planning import page_next, wants_next
from alerts.responders import ADDRESSES
from alerts.transition import SYSTEM, Incident, apply, lock
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import PermanentError, TemporaryError
from core.model import Page
from core.ports import Channel
from core.settings import Settings
from core.telemetry import logger

LEASE_S = 15.0
# For everything a channel does, names looked up included; below the lease, so that the result is
# written before anybody else may claim the message.
SEND_WITHIN_S = 10.0
LONGEST_BACKOFF_S = 30.0
_CLAIMS = 0x70616765  # first number of the advisory locks of those who send
CONFIRMED = frozenset({"device"})  # when it has been sent, the responder's device has it
UNKNOWN = "may have gone out: who was sending it ended before saying so"
_ERROR_CHARS = 500
_QUERIES = sql.load("alerts.paging")
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message that this process sends; nobody else does before the lease is over.

    `attempt` counts from 1. `address` is None when the responder lost it since.
    """

    delivery_id: int
    channel: str
    attempt: int
    page: Page
    address: str | None
    secret: str

    @property
    def to(self) -> str:
        """Whose pager it goes to, and by which channel."""
        return f"{self.page.responder_id} {self.channel}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt; `error` is empty when it was sent."""

    error: str = ""
    again_after_s: float | None = None

    @property
    def sent(self) -> bool:
        return not self.error


def backoff_s(attempt: int) -> float:
    """Return the seconds between this attempt (from 1) and the next: 1, 2, 4, 8, 16, 30, 30 …"""
    return min(LONGEST_BACKOFF_S, 2.0 ** min(attempt - 1, 10))


def claim(
    conn: Connection,
    *,
    now: datetime,
    settings: Settings,
    limit: int,
    life_safety_only: bool = False,
    held: Mapping[int, str] | None = None,
    claimer: int | None = None,
) -> list[Claimed]:
    """Lease up to `limit` due messages, the most urgent first; drop what nobody waits for.

    `held` is what this process is still sending (delivery id to `Claimed.to`), abandoned or not:
    that is not claimed again, and an address with a message in flight takes pages of life safety
    alone, so that one that hangs cannot hold every sender. Those no limit holds up. `claimer` is
    the number under which `hold_claims` says that this process lives; without one the lease alone
    says how long a message is ours.
    """
    held = held or {}
    to = Counter(held.values())
    conn.execute(_QUERIES["drop_unwanted"], {"now": now, "unknown": UNKNOWN})
    rows = conn.execute(
        _QUERIES["claim"],
        {
            "now": now,
            "limit": limit,
            "life_safety_only": life_safety_only,
            "held": list(held),
            "busy": list(to),
        },
    ).fetchall()
    taken: list[Claimed] = []
    for one in (claimed_of(row, settings) for row in rows):
        urgent = one.page.priority == Priority.LIFE_SAFETY and one.page.message == "page"
        if urgent or one.to not in to:
            to[one.to] += 1
            taken.append(one)
    if taken:
        until = now + timedelta(seconds=LEASE_S)
        ids = [one.delivery_id for one in taken]
        conn.execute(_QUERIES["lease_may_be_lost"])
        conn.execute(_QUERIES["lease"], {"ids": ids, "until": until, "claimer": claimer})
    return taken


def hold_claims(conn: Connection) -> int:
    """Return a number to claim under, ours for as long as this connection lives."""
    claimer = secrets.randbelow(2**31 - 1) + 1
    conn.execute(_QUERIES["hold_claims"], {"kind": _CLAIMS, "claimer": claimer})
    return claimer


def release_claims(conn: Connection, *, now: datetime) -> int:
    """Make due what processes claimed that are gone; return how many messages."""
    values = {"kind": _CLAIMS, "now": now, "unknown": UNKNOWN}
    return conn.execute(_QUERIES["release_claims"], values).rowcount


def send(channels: Mapping[str, Channel], claimed: Claimed) -> Result:
    """Hand one message to its channel, outside any transaction. Never raises.

    An error that a channel did not foresee counts as temporary: a bug in one channel must not
    end the process that pages through the others.
    """
    channel = channels.get(claimed.channel)
    if channel is None or claimed.address is None:
        return Result(f"no {claimed.channel} to reach {claimed.page.responder_name} by")
    try:
        channel.send(claimed.page, claimed.address, claimed.secret)
    except TemporaryError as error:
        wait_s = max(backoff_s(claimed.attempt), min(error.delay_s, LONGEST_BACKOFF_S))
        return Result(_said(error), wait_s)
    except PermanentError as error:
        return Result(_said(error))
    except Exception as error:  # noqa: BLE001 - recorded with the delivery, and sent again
        _log.exception("a channel failed unforeseen", channel=claimed.channel)
        return Result(_said(error), backoff_s(claimed.attempt))
    return Result()


def send_within(
    channels: Mapping[str, Channel],
    claimed: Claimed,
    deadline_s: float,
    ended: Callable[[], None],
) -> Result:
    """Send in a thread of its own, and wait for it no longer than `deadline_s`.

    After that the result is temporary and the thread is left to itself: no timeout of a socket
    holds for a receiver that trickles, or for a name that is looked up. `ended` is called when
    the thread really is through.
    """
    results: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def work() -> None:
        try:
            result = send(channels, claimed)
        finally:
            ended()
        results.put(result)

    threading.Thread(target=work, name=f"send-{claimed.delivery_id}", daemon=True).start()
    try:
        return results.get(timeout=deadline_s)
    except queue.Empty:
        return Result(f"no answer within {deadline_s:g} s", backoff_s(claimed.attempt))


def record(
    conn: Connection, claimed: Claimed, result: Result, *, now: datetime, settings: Settings
) -> None:
    """Write what came of it; when no channel reaches the responder, page the next at once."""
    incident = lock(conn, claimed.page.incident_id)
    values = {
        "delivery_id": claimed.delivery_id,
        "page_id": claimed.page.page_id,
        "now": now,
        "error": result.error,
        "unknown": UNKNOWN,
    }
    if result.sent:
        _sent(conn, incident, claimed, values)
    elif result.again_after_s is not None:
        again = now + timedelta(seconds=result.again_after_s)
        conn.execute(_QUERIES["record_retry"], {**values, "next_attempt_at": again})
    elif conn.execute(_QUERIES["record_failed"], values).fetchone() is not None:
        _failed(conn, incident, claimed, values, settings)


def _sent(conn: Connection, incident: Incident, claimed: Claimed, values: dict[str, Any]) -> None:
    values = {**values, "delivered": claimed.channel in CONFIRMED}
    if conn.execute(_QUERIES["record_sent"], values).fetchone() is None:
        return  # a second attempt after the lease was over: the first has been recorded
    if claimed.page.message != "page":
        return
    conn.execute(_QUERIES["page_sent"], values)
    detail: Detail = {
        "page_id": claimed.page.page_id,
        "responder": claimed.page.responder_id,
        "channel": claimed.channel,
    }
    apply(conn, incident, Move.SENT, actor=SYSTEM, now=values["now"], detail=detail)


def _failed(
    conn: Connection,
    incident: Incident,
    claimed: Claimed,
    values: dict[str, Any],
    settings: Settings,
) -> None:
    if claimed.page.message != "page" or incident.closed:
        return
    page = conn.execute(_QUERIES["page_beyond_reach"], values).fetchone()
    if page is None:
        return
    conn.execute(_QUERIES["end_page_timer"], values)
    now = values["now"]
    detail: Detail = {
        "page_id": claimed.page.page_id,
        "responder": page["responder_id"],
        "error": values["error"][:200],
    }
    incident = apply(conn, incident, Move.UNDELIVERED, actor=SYSTEM, now=now, detail=detail)
    if wants_next(incident, page["planned_at"]):
        page_next(conn, incident, now=now, settings=settings, new_round=False)


def claimed_of(row: Mapping[str, Any], settings: Settings) -> Claimed:
    """Return the message of a row of the query `claim`: what is sent, signed and linked to."""
    page_id, channel, message = row["page_id"], row["channel"], row["message"]
    revision = row.get("revision", 0)
    where = links(settings.public_url, settings.service_key, page_id)
    page = Page(
        page_id=page_id,
        idempotency_key=f"{page_id}-{channel}-{message}" + (f"-{revision}" if revision else ""),
        message=message,
        responder_id=row["responder_id"],
        responder_name=row["responder_name"],
        incident_id=row["incident_id"],
        kind=row["kind"],
        priority=row["priority"],
        household_name=row["household_name"],
        address=row["address"],
        access_note=row["access_note"],
        lat=row["lat"],
        lon=row["lon"],
        distance_m=row["distance_m"],
        opened_at=row["opened_at"],
        answer_by=row["answer_by"],
        page_url=where.page_url,
        accept_url=where.accept_url,
        decline_url=where.decline_url,
    )
    address = "" if channel == "loopback" else row.get(ADDRESSES.get(channel, ""))
    return Claimed(
        row["delivery_id"], channel, row["attempt"], page, address, row["webhook_secret"] or ""
    )


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_ERROR_CHARS]
