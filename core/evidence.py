"""What is kept of one stay at a door: a manifest that names pictures, boxes and the way taken.

Pictures are the camera's own, nothing is drawn into them; each is named by the SHA-256 of its
bytes as stored. The manifest carries a MAC under the service key, so a picture, its place in the
story or the story itself cannot be exchanged by who can write to the store alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

import msgspec

from core.errors import NotFound, PermanentError
from core.secrets import derive, same

CASE = re.compile(r"\d{1,17}-\d{1,10}")  # capture time of the alarm in µs, number of the track
_PURPOSE = "evidence-manifest"


class TrackBox(msgspec.Struct, frozen=True):
    """Where a track stands in a picture: left, top, width, height as fractions of it."""

    track: int
    x: float
    y: float
    w: float
    h: float


class Picture(msgspec.Struct, frozen=True):
    """One stored original. `moments` say why it is kept: `entry`, `largest`, `alarm`."""

    key: str
    sha256: str
    size_bytes: int
    captured_at: datetime
    infrared: bool
    moments: list[str]
    boxes: list[TrackBox]


class Place(msgspec.Struct, frozen=True):
    """Where the one this is about stood at a moment, as in `TrackBox`."""

    at: datetime
    x: float
    y: float
    w: float
    h: float


class Manifest(msgspec.Struct, frozen=True):
    """The evidence of one stay, pictures in order of capture.

    `complete` is False where the seconds after the alarm were cut short (no more frames, a
    restart); `missing` counts pictures that could not be stored.
    """

    version: int
    device: str
    case: str
    event: str
    at: datetime
    since: datetime
    track: int
    threshold_s: float
    zone: str
    complete: bool
    masked: bool
    missing: int
    pictures: list[Picture]
    path: list[Place]


class _Sealed(msgspec.Struct, frozen=True):
    manifest: msgspec.Raw
    mac: str


def picture_key(device: str, sha256: str) -> str:
    return f"evidence/{device}/{sha256}.jpg"


def manifest_key(device: str, case: str) -> str:
    """Return where a manifest lies; raise `NotFound` for what is no case."""
    if not CASE.fullmatch(case):
        raise NotFound("no such case")
    return f"evidence/{device}/{case}.json"


def seal(manifest: Manifest, service_key: str) -> bytes:
    """Return the object to store."""
    body = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Sealed(msgspec.Raw(body), _mac(body, service_key)))


def unseal(stored: bytes, service_key: str) -> Manifest:
    """Return the manifest; raise `PermanentError` where it is not what was stored."""
    try:
        sealed = msgspec.json.decode(stored, type=_Sealed)
        if not same(sealed.mac, _mac(bytes(sealed.manifest), service_key)):
            raise PermanentError("the manifest differs from what was stored; it is not shown")
        return msgspec.json.decode(sealed.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PermanentError(f"the manifest cannot be read: {error}") from None


def _mac(body: bytes, service_key: str) -> str:
    key = derive(service_key, _PURPOSE)
    return hmac.digest(key.encode(), body, hashlib.sha256).hex()
