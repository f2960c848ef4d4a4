"""What is known of each device now: heard when, online, battery. Telemetry, not history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from core import sql
from core.database import Connection
from core.wire import Status
from ingest.intake import Place, Reported

_QUERIES = sql.load("ingest")

# A row update costs the database as much as ten events; silence is judged in tens of seconds
# (EN 50136: 20 s for the highest grade, 90 s for the next).
NOTED_EVERY = timedelta(seconds=5)
_KNOWN = 1 << 17
POSITIONS_KEPT = timedelta(hours=1)


class DeviceState:
    """Notes when devices were last heard, each at most every 5 s."""

    def __init__(self, every: timedelta = NOTED_EVERY) -> None:
        self._every = every
        self._noted: dict[str, datetime] = {}

    def heard(
        self, conn: Connection, devices: set[str], heartbeats: set[str], now: datetime
    ) -> None:
        """Note that devices spoke, and which of them by a heartbeat."""
        noted, before = self._noted, now - self._every
        # the clock may have been put back: what was noted in its future counts for nothing
        due = {device for device in devices if not before < noted.get(device, before) <= now}
        due |= heartbeats
        if due:
            conn.execute(_QUERIES["heard"], {"devices": sorted(due), "now": now})
            if len(noted) > _KNOWN:
                noted.clear()
            noted.update(dict.fromkeys(due, now))
        if heartbeats:
            conn.execute(_QUERIES["heartbeat"], {"devices": sorted(heartbeats), "now": now})


def note_statuses(
    conn: Connection, statuses: Iterable[tuple[str, Status, bool]], now: datetime
) -> None:
    """Write the devices' retained states; the last one of a device in the batch wins."""
    latest = {device: (status, retained) for device, status, retained in statuses}
    for device, (status, retained) in sorted(latest.items()):
        conn.execute(
            _QUERIES["status"],
            {
                "device_id": device,
                "online": status.online,
                "at": None if retained else now,  # the broker's copy says nothing of when
                "fw": status.fw[:64].replace("\0", "") if status.fw else None,
                "battery": status.battery,
                "rssi": _int32(status.rssi),
                "config_version": _int32(status.config_version),
            },
        )


def note_positions(
    conn: Connection, positions: Iterable[tuple[Reported, Place]], now: datetime
) -> None:
    """Keep the newest position of each pager, and forget all that are older than an hour.

    A time ahead of ours counts as now: it must not outlast what comes after it.
    """
    latest: dict[str, tuple[datetime, Place]] = {}
    for reported, place in positions:
        at = min(reported.message.at, now)
        if reported.device not in latest or latest[reported.device][0] <= at:
            latest[reported.device] = (at, place)
    if not latest:
        return
    conn.execute(_QUERIES["forget_positions"], {"before": now - POSITIONS_KEPT})
    for device, (at, place) in sorted(latest.items()):
        values = {"device_id": device, "at": at, "kept_since": now - POSITIONS_KEPT}
        conn.execute(_QUERIES["position"], {**values, **msgspec.structs.asdict(place)})


def _int32(value: int | None) -> int | None:
    return value if value is not None and abs(value) < 2**31 else None
