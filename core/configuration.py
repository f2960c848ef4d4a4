"""Desired configuration of a door camera: the retained `config` message, and what makes it valid.

Fields that are not named here belong to others (the device itself, say) and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from core.errors import DecodeError
from core.wire import MAX_MESSAGE_BYTES

LEAST_AFTER_S, MOST_AFTER_S = 10.0, 300.0
DEFAULT_AFTER_S = 30.0
DEFAULT_MIN_HEIGHT = 0.2  # of the picture: a door camera sees its visitor large
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIN_DOUBLED_AREA = 1e-6

_Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_Polygon = Annotated[list[tuple[_Fraction, _Fraction]], msgspec.Meta(max_length=64)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
_AfterS = Annotated[float, msgspec.Meta(ge=LEAST_AFTER_S, le=MOST_AFTER_S)]
_Height = Annotated[float, msgspec.Meta(ge=0.05, le=1.0)]
_LocalTime = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class AfterHours(msgspec.Struct, frozen=True):
    """From one local time to another, past midnight where `to` is not later; T is `after_s`
    then. `days` are those on which it begins, none means every day.
    """

    start: _LocalTime = msgspec.field(name="from")
    end: _LocalTime = msgspec.field(name="to")
    after_s: _AfterS
    days: Annotated[list[Literal[DAYS]], msgspec.Meta(max_length=7)] = []  # type: ignore[valid-type]

    @property
    def begins(self) -> time:
        return time.fromisoformat(self.start)

    @property
    def ends(self) -> time:
        return time.fromisoformat(self.end)


class Loiter(msgspec.Struct, frozen=True):
    """What loitering is. `zone` is the short form of one zone named `door`."""

    enabled: bool = True
    after_s: _AfterS = DEFAULT_AFTER_S
    min_height: _Height = DEFAULT_MIN_HEIGHT
    zone: _Polygon = []
    high_risk_after_s: _AfterS | None = None
    after_hours: Annotated[list[AfterHours], msgspec.Meta(max_length=16)] = []


class Area(msgspec.Struct, frozen=True):
    """A named part of the picture, corners (x, y) in fractions of width and height."""

    name: _Name
    polygon: _Polygon


class Zone(Area, frozen=True):
    """Where staying counts; its own T and least height of a person, if it has any."""

    after_s: _AfterS | None = None
    min_height: _Height | None = None


class Visits(msgspec.Struct, frozen=True):
    """Repeated visits: so many of at least so long, within so long."""

    count: Annotated[int, msgspec.Meta(ge=2, le=50)] = 3
    least_s: Annotated[float, msgspec.Meta(ge=1.0, le=300.0)] = 8.0
    within_s: Annotated[float, msgspec.Meta(ge=60.0, le=86_400.0)] = 900.0


class Switch(msgspec.Struct, frozen=True):
    """Whether a kind of finding is wanted."""

    enabled: bool = True


class CameraConfiguration(msgspec.Struct, frozen=True):
    """The whole of a camera's `config` message. `high_risk` follows the home and is put in when
    the message is published. `timezone` is the service's where none is named.
    """

    version: Annotated[int, msgspec.Meta(ge=0)]
    timezone: str = ""
    high_risk: bool = False
    loiter: Loiter = Loiter()
    zones: Annotated[list[Zone], msgspec.Meta(max_length=16)] = []
    masks: Annotated[list[Area], msgspec.Meta(max_length=16)] = []
    visits: Visits = Visits()
    motion: Switch = Switch()
    health: Switch = Switch()


_DECODER = msgspec.json.Decoder(CameraConfiguration)


def decode_configuration(payload: bytes) -> CameraConfiguration:
    """Return the message; raise `DecodeError` (`size`, `json`, `schema`) with the reason."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise DecodeError("size", f"{len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")
    try:
        payload.decode("utf-8")
        config = _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("json", str(error)[:300]) from None
    except RecursionError:
        raise DecodeError("json", "nested too deep") from None
    for problem, where in _problems(config):
        raise DecodeError("schema", f"{problem} - at `$.{where}`")
    return config


def check(config: dict[str, Any]) -> None:
    """Raise `DecodeError` for a configuration that a detector would refuse."""
    try:
        payload = msgspec.json.encode({"version": 0, **config})
    except (TypeError, ValueError) as error:
        raise DecodeError("json", str(error)[:300]) from None
    decode_configuration(payload)


def _problems(config: CameraConfiguration) -> Iterator[tuple[str, str]]:
    """Yield what the fields' types do not say: (what is wrong, where)."""
    if config.loiter.zone:
        if config.zones:
            yield "give either one `loiter.zone` or `zones`", "zones"
        if _is_flat(config.loiter.zone):
            yield "a zone is three corners or more, not on one line", "loiter.zone"
    yield from _of_areas("zone", config.zones)
    yield from _of_areas("mask", config.masks)
    yield from _of_times(config.loiter)
    if config.timezone and not _is_zone(config.timezone):
        yield f"{config.timezone!r} is no time zone; Asia/Seoul, say", "timezone"


def _of_areas(what: str, areas: Sequence[Area]) -> Iterator[tuple[str, str]]:
    names: set[str] = set()
    for at, area in enumerate(areas):
        if _is_flat(area.polygon):
            reason = f"{what} {area.name!r} is three corners or more, not on one line"
            yield reason, f"{what}s[{at}].polygon"
        if area.name in names:
            yield f"two {what}s are named {area.name!r}", f"{what}s[{at}].name"
        names.add(area.name)


def _of_times(loiter: Loiter) -> Iterator[tuple[str, str]]:
    shorter = {"loiter.high_risk_after_s": loiter.high_risk_after_s}
    for at, window in enumerate(loiter.after_hours):
        shorter[f"loiter.after_hours[{at}].after_s"] = window.after_s
        if window.start == window.end:
            yield "it ends when it begins", f"loiter.after_hours[{at}].to"
    for where, after_s in shorter.items():
        if after_s is not None and after_s > loiter.after_s:
            reason = f"{after_s:g} s is longer than `loiter.after_s`, {loiter.after_s:g} s"
            yield reason, where


def _is_flat(polygon: list[tuple[float, float]]) -> bool:
    """Whether the corners enclose nothing (shoelace formula)."""
    shifted = [*polygon[1:], *polygon[:1]]
    doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, shifted, strict=True))
    return len(set(polygon)) < 3 or abs(doubled) < _MIN_DOUBLED_AREA


@lru_cache(maxsize=64)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True
