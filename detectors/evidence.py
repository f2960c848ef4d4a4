"""Stage 10: the last seconds as the camera sent them, and the picture that shows it best."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import DecodeError, TemporaryError
from core.evidence import picture_key
from core.frames import Frame
from core.model import Evidence
from core.objects import sha256_hex
from core.ports import ObjectStore
from core.telemetry import logger
from detectors.mask import burn
from detectors.zone import Polygon

KEEP_US = 5_000_000
_MAX_BYTES = 8 << 20  # a camera; 5 s at 5 fps of 300 KiB
_ATTEMPTS = 3
_PAUSE_S = 0.1
_log = logger(__name__)

BoxFractions = dict[str, float]


@dataclass(slots=True)
class Shot:
    """One original picture and where each track stood in it: number → normalised box."""

    frame: Frame
    boxes: dict[int, BoxFractions] = field(default_factory=dict)


class Ring:
    """The last 5 s of original pictures of one camera, bounded in bytes."""

    def __init__(self) -> None:
        self._shots: deque[Shot] = deque()
        self._bytes = 0

    def __iter__(self) -> Iterator[Shot]:
        return iter(self._shots)

    def clear(self) -> None:
        self._shots.clear()
        self._bytes = 0

    def add(self, frame: Frame) -> Shot:
        """Keep a frame; its boxes are filled in when they are known."""
        shot = Shot(frame)
        self._shots.append(shot)
        self._bytes += len(frame.jpeg)
        while len(self._shots) > 1 and (
            self._bytes > _MAX_BYTES
            or frame.captured_at_us - self._shots[0].frame.captured_at_us > KEEP_US
        ):
            self._bytes -= len(self._shots.popleft().frame.jpeg)
        return shot

    def best(self, number: int) -> Shot | None:
        """Return the picture with the largest view of a track, the later of equals."""
        seen = [shot for shot in self._shots if number in shot.boxes]
        return max(
            seen,
            key=lambda shot: (
                round(shot.boxes[number]["w"] * shot.boxes[number]["h"], 3),
                shot.frame.captured_at_us,
            ),
            default=None,
        )


def named(device_id: str, frame: Frame, masks: Sequence[Polygon]) -> tuple[str, str, bytes]:
    """Return key, digest and bytes of the picture as it may be kept, masks black.

    Raises `DecodeError` where masks cannot be put into it.
    """
    body = burn(frame.jpeg, masks)
    digest = sha256_hex(body)
    return picture_key(device_id, digest), digest, body


def store(
    objects: ObjectStore,
    device_id: str,
    frame: Frame,
    masks: Sequence[Polygon] = (),
    pause: Callable[[float], None] = time.sleep,
) -> Evidence | None:
    """Store the original picture, masks black, under its digest.

    Three attempts within half a second; None when the store is away: the alarm goes out
    without its picture rather than late.
    """
    try:
        key, digest, body = named(device_id, frame, masks)
    except DecodeError as error:
        _log.warning("evidence cannot be masked", device=device_id, error=str(error))
        return None
    for attempt in range(_ATTEMPTS):
        try:
            objects.put(key, body)
        except TemporaryError as error:
            _log.warning("evidence not stored", device=device_id, key=key, error=str(error))
            if attempt + 1 < _ATTEMPTS:
                pause(_PAUSE_S * (attempt + 1))
        else:
            return Evidence(key, digest, frame.captured_at, len(body))
    return None
