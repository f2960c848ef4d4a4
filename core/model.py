"""What the rooms tell each other: frozen values, aware UTC datetimes, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from core.catalogue import Source


class Event(msgspec.Struct, frozen=True, gc=False):
    """A committed or to-be-committed event: attributed to a home and placed in time.

    Identity is (household_id, at, device_id, seq, source). `at` is where the row stands in time;
    `reported_at` is what the device said when its clock was off, else None. `data` is the JSON
    object as the bytes that came.
    """

    household_id: str
    at: datetime
    device_id: str
    seq: int
    source: Source
    type: str
    received_at: datetime
    data: bytes = b"{}"
    reported_at: datetime | None = None
    clock_off: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """One stored picture: object key, SHA-256 (hex) of its bytes, capture time by the camera."""

    key: str
    sha256: str
    captured_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector concluded about one camera; published as an event of source `detector`.

    `at` is capture time by the camera's clock. `data` holds JSON values; `evidence` is added to
    it as a list under the key `evidence` when the finding is published. `seq` is the event's, given
    once by the worker.
    """

    device_id: str
    type: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What a channel is asked to deliver to one responder, and what a retry repeats unchanged."""

    page_id: int
    idempotency_key: str
    message: str  # "page", "stand_down", "update" (worse than the page said), "notice" (of a home)
    responder_id: str
    responder_name: str
    incident_id: int
    kind: str
    priority: int
    household_name: str
    address: str
    access_note: str
    lat: float
    lon: float
    distance_m: float
    opened_at: datetime
    answer_by: datetime
    page_url: str
    accept_url: str
    decline_url: str
