"""What was sent against what is stored: the count that every measurement and drill ends with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core import sql
from core.database import Connection
from simulators.generator import Account
from simulators.outbox import ALARM_TYPES

_QUERIES = sql.load("app.bench")


@dataclass(frozen=True, slots=True)
class Count:
    """Events: `lost` are sent and not there, `doubled` rows too many, `not_sent` nobody's.

    `out_of_order` are rows written by an earlier transaction than a lower `seq` of their device.
    """

    sent: int
    rows: int
    lost: int
    doubled: int
    not_sent: int
    out_of_order: int

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.not_sent or self.out_of_order)


def count(conn: Connection, sent: dict[str, tuple[int, int]]) -> Count:
    """Compare every (device, seq) with the table; `sent` holds (first seq, how many) by device."""
    begins = min(first for first, _ in sent.values())
    columns = {
        "devices": list(sent),
        "firsts": [first for first, _ in sent.values()],
        "counts": [n for _, n in sent.values()],
        "from": begins,
    }
    found = conn.execute(_QUERIES["account"], columns).fetchone()
    if found is None:
        raise AssertionError("an aggregate without a row")
    return Count(**found, out_of_order=out_of_order(conn, list(sent), begins))


def out_of_order(conn: Connection, devices: list[str], first_seq: int = 0) -> int:
    """Return how many rows of these devices, from a `seq` on, overtook a lower `seq`.

    Of the event lane: an alarm is taken the moment it comes, whatever it overtakes
    (docs/adr/0016-alarms-by-the-direct-road.md).
    """
    columns = {"devices": devices, "from": first_seq, "alarms": sorted(ALARM_TYPES)}
    found = conn.execute(_QUERIES["out_of_order"], columns).fetchone()
    if found is None:
        raise AssertionError("an aggregate without a row")
    n: int = found["n"]
    return n


def takeover_s(conn: Connection, devices: list[str], since: datetime) -> float:
    """Return the seconds from `since` until every device had a row committed again."""
    found = conn.execute(_QUERIES["takeover"], {"devices": devices, "since": since}).fetchone()
    if found is None:
        raise AssertionError("an aggregate without a row")
    return round(float(found["s"] or 0.0), 2)


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)] if ordered else 0.0


def latency_ms(account: Account) -> dict[str, float]:
    """Return p50, p99 and the longest time from publish to the `ack`, in milliseconds.

    That is publish-to-commit seen from the device: the way of the answer is in it, so the commit
    itself was earlier.
    """
    waited = [seconds * 1000 for _, seconds in account.answers]
    return {
        "p50": round(percentile(waited, 0.5), 1),
        "p99": round(percentile(waited, 0.99), 1),
        "max": round(max(waited, default=0.0), 1),
    }
