"""The pictures that a finding names in its data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec


@dataclass(frozen=True, slots=True)
class Box:
    """A place in a picture: left, top, width, height as fractions of it, as a detector wrote it."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One stored picture: object key, SHA-256 (hex), capture time by the camera.

    `box` is where in the picture the finding is; None without one.
    """

    key: str
    sha256: str
    captured_at: datetime
    box: Box | None = None


def evidence_in(data: object) -> list[EvidenceLine]:
    """Return the evidence of one event's data; an entry that is none is left out.

    It stays readable in the event itself; one malformed finding must not take the board, or a
    responder's page, from everybody.
    """
    if not isinstance(data, dict):
        return []
    listed = data.get("evidence")
    found = [_line(item) for item in listed] if isinstance(listed, list) else []
    box = _box(data.get("box"))
    return [EvidenceLine(line.key, line.sha256, line.captured_at, box) for line in found if line]


def _line(item: object) -> EvidenceLine | None:
    try:
        return msgspec.convert(item, EvidenceLine)
    except msgspec.ValidationError:
        return None


def _box(item: object) -> Box | None:
    try:
        return msgspec.convert(item, Box | None)
    except msgspec.ValidationError:
        return None
