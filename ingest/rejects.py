"""Messages that break a rule: every one counted, a limited number kept for people to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core import sql
from core.database import Connection
from core.reports import Reject
from core.telemetry import REJECTS

KEPT_PER_DEVICE_AND_MINUTE = 10
_QUERIES = sql.load("ingest")


class RejectLimiter:
    """Says which rejects are kept whole: at most ten per device and minute of its clock."""

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._kept: Counter[str | None] = Counter()

    def keeps(self, reject: Reject) -> bool:
        """Say whether to keep this one."""
        minute = reject.received_at.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        self._kept[reject.device_id] += 1
        return self._kept[reject.device_id] <= KEPT_PER_DEVICE_AND_MINUTE

    def split(self, rejects: Iterable[Reject]) -> tuple[list[Reject], Counter[tuple[str, str]]]:
        """Return what to keep, and the count of all by (lane, reason)."""
        kept: list[Reject] = []
        counts: Counter[tuple[str, str]] = Counter()
        for reject in rejects:
            counts[reject.lane, reject.reason] += 1
            REJECTS.labels(reject.lane, reject.reason).inc()
            if self.keeps(reject):
                kept.append(reject)
        return kept, counts


def record(
    conn: Connection, kept: Iterable[Reject], counts: Counter[tuple[str, str]], now: datetime
) -> None:
    """Write the kept rejects and add to the counts."""
    rows = [{name: getattr(reject, name) for name in reject.__struct_fields__} for reject in kept]
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(_QUERIES["keep_reject"], rows)
    for (lane, reason), n in sorted(counts.items()):
        conn.execute(_QUERIES["count_reject"], {"lane": lane, "reason": reason, "n": n, "now": now})


def totals(conn: Connection) -> list[dict[str, Any]]:
    """Return the counts by lane and reason since the beginning."""
    return conn.execute(_QUERIES["reject_counts"]).fetchall()
