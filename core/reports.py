"""What a process without a database (detect) tells the others: that it lives, and its rejects.

Goes over MQTT on `dg/svc/{process}/report`, from a service to ingest, and is never seen by a
device.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from core.errors import DecodeError

REPORT_FILTER = "dg/svc/+/report"
MAX_REPORT_BYTES = 1 << 20
KEPT_BYTES = 4096


class Reject(msgspec.Struct, frozen=True):
    """One message that broke a rule; `payload` is its first 4 KiB, `size_bytes` the whole."""

    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lane: str
    topic: str
    reason: str
    detail: str
    size_bytes: int
    payload: bytes
    device_id: str | None = None


class Report(msgspec.Struct, frozen=True):
    """A sign of life with figures, and the rejects since the last one."""

    process: str
    instance: str
    pid: int
    version: str
    started_at: Annotated[datetime, msgspec.Meta(tz=True)]
    beat_at: Annotated[datetime, msgspec.Meta(tz=True)]
    figures: dict[str, Any] = {}
    rejects: list[Reject] = []
    rejects_not_kept: dict[str, int] = {}


_DECODER = msgspec.json.Decoder(Report)


def report_topic(process: str) -> str:
    """Return where a process reports."""
    return f"dg/svc/{process}/report"


def decode_report(payload: bytes) -> Report:
    """Return the report, or raise `DecodeError` (`size`, `schema`)."""
    if len(payload) > MAX_REPORT_BYTES:
        raise DecodeError("size", f"{len(payload)} bytes, at most {MAX_REPORT_BYTES}")
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise DecodeError("schema", str(error)) from None
