"""A call for help pressed in the app, as an event: it has a key of its own, and no clock."""

from __future__ import annotations

from datetime import UTC, datetime

from alerts.lifeline.records import Alarm
from core.catalogue import Source
from core.database import Connection
from core.model import Event
from ingest.attribution import place

APP_DEVICE = "app"  # stands where a device id does in events that people raise through the API
_NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE = "sos.pressed"


def as_alarm(household_id: str, seq: int, data: bytes, now: datetime) -> Alarm:
    """Return a call for the lifeline to take."""
    return Alarm(
        household_id,
        APP_DEVICE,
        Source.BACKEND,
        seq,
        _TYPE,
        told_at=_NO_CLOCK,
        at=now,
        received_at=now,
        data=data,
        topic="",
    )


def as_event(conn: Connection, alarm: Alarm) -> Event:
    """Return the row of a call, placed at its first receipt: a retry gets the same one."""
    key = (alarm.device_id, alarm.source, alarm.seq, alarm.told_at)
    return Event(
        household_id=alarm.household_id,
        at=place(conn, [key], alarm.received_at)[key],
        device_id=alarm.device_id,
        seq=alarm.seq,
        source=alarm.source,
        type=alarm.type,
        received_at=alarm.received_at,
        data=alarm.data,
    )
