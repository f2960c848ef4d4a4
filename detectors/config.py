"""What the operator may set for one camera, from the retained `config` message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from core.errors import DecodeError
from core.wire import MAX_MESSAGE_BYTES

_Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_Point = tuple[_Fraction, _Fraction]
_DEFAULT_LOITER_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Settings of one camera; every threshold is in seconds or in parts of the picture.

    `loiter_after_s` is T, 10 to 300 s. `zone` is the door zone as corners (x, y) in fractions of
    width and height; empty means the whole picture. `min_height` is the least height of a person
    as a fraction of the picture's: a door camera sees its visitor large.
    """

    version: int = 0
    loiter_after_s: float = _DEFAULT_LOITER_AFTER_S
    zone: tuple[tuple[float, float], ...] = ()
    min_height: float = 0.2


class _Loiter(msgspec.Struct, frozen=True):
    after_s: Annotated[float, msgspec.Meta(ge=10.0, le=300.0)] = _DEFAULT_LOITER_AFTER_S
    zone: Annotated[list[_Point], msgspec.Meta(max_length=64)] = []


class _Config(msgspec.Struct, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=0)]
    loiter: _Loiter = _Loiter()


_CONFIG = msgspec.json.Decoder(_Config)


def decode_config(payload: bytes) -> CameraConfig:
    """Return the camera's settings; raise `DecodeError` (`size`, `json`, `schema`).

    The message holds the configuration of the whole device; fields that are not ours are
    left alone.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise DecodeError("size", f"{len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")
    try:
        payload.decode("utf-8")
        config = _CONFIG.decode(payload)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("json", str(error)[:300]) from None
    except RecursionError:
        raise DecodeError("json", "nested too deep") from None
    zone = tuple(config.loiter.zone)
    if zone and (len(set(zone)) < 3 or _doubled_area(zone) < 1e-6):
        raise DecodeError(
            "schema", "a zone is three corners or more, not on one line - at `$.zone`"
        )
    return CameraConfig(version=config.version, loiter_after_s=config.loiter.after_s, zone=zone)


def _doubled_area(zone: tuple[_Point, ...]) -> float:
    """Shoelace formula; 0 for corners on one line."""
    shifted = (*zone[1:], zone[0])
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(zone, shifted, strict=True)))
