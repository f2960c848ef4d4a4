"""Supervision of devices: what is known of them is read, what was told kept, events are made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import json

from core import sql
from core.catalogue import Source
from core.database import Connection
from core.errors import NotFound, PermanentError
from core.model import Event
from gateway.silence import OFFLINE, Silence, Verdict, Watched, judge

EVERY_S = 5.0
_MISSED = timedelta(seconds=3 * EVERY_S)  # nobody looked for so long: we were away ourselves
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUERIES = sql.load("gateway", "supervision.sql")


class Supervision:
    """Looks every 5 s; one process at a time does.

    What it was away for, or could not hear, counts as nobody's silence: after a start, a stall or
    an outage of ours every device has its full time again. What was told stands in the database.
    """

    def __init__(self, grade_s: float) -> None:
        self._grade_s = grade_s
        self._looked_at: datetime | None = None
        self._listening_since: datetime | None = None
        self.silent = self.held = 0

    def listening_s(self, now: datetime) -> float:
        """Return for how long all that was sent has been heard."""
        since = self._listening_since
        return (now - since).total_seconds() if since else 0.0

    def look(self, conn: Connection, *, now: datetime, hearing: bool) -> list[Event]:
        """Return the events of what has fallen silent and come back, and note that they are told.

        `hearing` says whether everything that devices send reaches us at this moment. The caller
        stores the events in the same transaction.
        """
        row = conn.execute(_QUERIES["only_supervisor"]).fetchone()
        if not hearing or row is None or not row["mine"]:
            self._listening_since = None
            return []
        gap = self._looked_at is None or not timedelta(0) <= now - self._looked_at <= _MISSED
        if gap or self._listening_since is None:
            self._listening_since = now
        self._looked_at = now
        conn.execute(_QUERIES["forget_removed"])
        told = [Silence(**one) for one in conn.execute(_QUERIES["told"])]
        verdict = judge(
            [Watched(**one) for one in conn.execute(_QUERIES["watched"])],
            told,
            now=now,
            listening_since=self._listening_since,
            grade_s=self._grade_s,
        )
        self.held = verdict.held
        self.silent = len(told) + len(verdict.silent) - len(verdict.back)
        return self._told(conn, verdict, now)

    def _told(self, conn: Connection, verdict: Verdict, now: datetime) -> list[Event]:
        for one in verdict.silent:
            given = {"device_id": one.device_id, "household_id": one.household_id}
            conn.execute(
                _QUERIES["begin"], given | {"type": one.type, "since": one.since, "now": now}
            )
        for one in verdict.back:
            given = {"device_id": one.device_id, "household_id": one.household_id}
            conn.execute(_QUERIES["end"], given)
        first = (now - _EPOCH) // timedelta(microseconds=1)
        named = [
            *((one, one.type, {"since": one.since, "why": one.why}) for one in verdict.silent),
            *((one, OFFLINE[one.type], {"since": one.since}) for one in verdict.back),
        ]
        return [
            Event(
                household_id=one.household_id,
                at=now,
                device_id=one.device_id,
                seq=first + n,
                source=Source.BACKEND,
                type=name,
                received_at=now,
                data=json.encode(data),
            )
            for n, (one, name, data) in enumerate(named)
        ]


def put_behind(conn: Connection, device_id: str, gateway: str | None) -> None:
    """Note through which device another connects; None: through none.

    While that one is silent, the silence of what is behind it is its own. Raises `NotFound`, and
    `PermanentError` for a device behind itself, behind one that is behind another, or that has
    others behind it.
    """
    devices = {one["device_id"]: one for one in conn.execute(_QUERIES["watched"])}
    if gateway is not None and gateway not in devices:
        raise NotFound(f"no device {gateway} in service", "device.unknown")
    if gateway == device_id or (gateway and devices[gateway]["behind"]):
        raise PermanentError(
            f"{gateway} cannot be what {device_id} connects through", "device.behind"
        )
    if gateway and any(one["behind"] == device_id for one in devices.values()):
        raise PermanentError(
            f"others are behind {device_id}; it connects through none itself", "device.gateway"
        )
    given = {"device_id": device_id, "behind": gateway}
    if conn.execute(_QUERIES["put_behind"], given).fetchone() is None:
        raise NotFound(f"no device {device_id}", "device.unknown")
