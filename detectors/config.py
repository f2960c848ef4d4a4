"""What the operator may set for one camera, as the stages use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.configuration import (
    DAYS,
    DEFAULT_AFTER_S,
    DEFAULT_MIN_HEIGHT,
    CameraConfiguration,
    decode_configuration,
)
from detectors.zone import Polygon, inside

DOOR = "door"  # the zone that has no other name


@dataclass(frozen=True, slots=True)
class Zone:
    """Where staying counts: corners in fractions of width and height, none for everywhere;
    T and least height of a person where it has its own.
    """

    name: str = DOOR
    polygon: Polygon = ()
    after_s: float | None = None
    min_height: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """After hours: local times, past midnight where `end` is not later than `start`; `days`
    (0 is Monday) are those on which it begins.
    """

    start: time
    end: time
    after_s: float
    days: tuple[int, ...]

    def holds(self, local: datetime) -> bool:
        now = local.time()
        if self.start < self.end:
            return self.start <= now < self.end and local.weekday() in self.days
        if now >= self.start:
            return local.weekday() in self.days
        return now < self.end and (local - timedelta(days=1)).weekday() in self.days


@dataclass(frozen=True, slots=True)
class VisitsRule:
    """So many visits of at least `least_s`, the ends of them within `within_s`."""

    count: int = 3
    least_s: float = 8.0
    within_s: float = 900.0


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Settings of one camera; every threshold is in seconds or in parts of the picture.

    `loiter_after_s` is T, 10 to 300 s, and `min_height` the least height of a person as a
    fraction of the picture's; a zone may have its own. `windows` are in `timezone`. `masks` are
    parts of the picture that nobody may see, corners as in a zone.
    """

    version: int = 0
    loiter_after_s: float = DEFAULT_AFTER_S
    min_height: float = DEFAULT_MIN_HEIGHT
    zones: tuple[Zone, ...] = (Zone(),)
    masks: tuple[Polygon, ...] = ()
    timezone: str = "UTC"
    windows: tuple[Window, ...] = ()
    high_risk_after_s: float | None = None
    visits: VisitsRule = VisitsRule()
    loiter: bool = True
    motion: bool = True
    health: bool = True

    def zone_at(self, x: float, y: float) -> Zone | None:
        """Return the first zone around a point in fractions of width and height."""
        return next((zone for zone in self.zones if inside(zone.polygon, x, y)), None)

    def height_in(self, zone: Zone | None) -> float:
        """Return the least height of a person there, a fraction of the picture's."""
        own = zone.min_height if zone else None
        return self.min_height if own is None else own

    def threshold_s(self, zone: Zone | None, at: datetime) -> float:
        """Return T in a zone at a moment (aware): the shortest of those that hold."""
        own = zone.after_s if zone else None
        held = [self.loiter_after_s if own is None else own]
        if self.high_risk_after_s is not None:
            held.append(self.high_risk_after_s)
        if self.windows:
            local = at.astimezone(ZoneInfo(self.timezone))
            held += [window.after_s for window in self.windows if window.holds(local)]
        return min(held)


def decode_config(payload: bytes, timezone: str = "UTC") -> CameraConfig:
    """Return the camera's settings; raise `DecodeError` (`size`, `json`, `schema`).

    `timezone` holds where the message names none.
    """
    return _from_message(decode_configuration(payload), timezone)


def _from_message(message: CameraConfiguration, timezone: str) -> CameraConfig:
    loiter = message.loiter
    zones = [
        Zone(zone.name, _corners(zone.polygon), zone.after_s, zone.min_height)
        for zone in message.zones
    ]
    return CameraConfig(
        version=message.version,
        loiter_after_s=loiter.after_s,
        min_height=loiter.min_height,
        zones=tuple(zones) or (Zone(polygon=_corners(loiter.zone)),),
        masks=tuple(_corners(mask.polygon) for mask in message.masks),
        timezone=message.timezone or timezone,
        windows=tuple(
            Window(one.begins, one.ends, one.after_s, _weekdays(one.days))
            for one in loiter.after_hours
        ),
        high_risk_after_s=loiter.high_risk_after_s if message.high_risk else None,
        visits=VisitsRule(message.visits.count, message.visits.least_s, message.visits.within_s),
        loiter=loiter.enabled,
        motion=message.motion.enabled,
        health=message.health.enabled,
    )


def _corners(polygon: Sequence[tuple[float, float]]) -> Polygon:
    return tuple((x, y) for x, y in polygon)


def _weekdays(days: Sequence[Any]) -> tuple[int, ...]:
    return tuple(DAYS.index(day) for day in days) or tuple(range(len(DAYS)))
