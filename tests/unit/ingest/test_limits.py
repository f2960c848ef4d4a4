"""What is kept of a refused message: its first 4 KiB, and ten a device and minute."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ports import Message
from core.reports import KEPT_BYTES, Reject
from core.topics import Kind, Topic
from ingest.intake import take_in
from ingest.rejects import KEPT_PER_DEVICE_AND_MINUTE, RejectLimiter
from tests.conftest import NOON

TOPIC = str(Topic("door-cam-1", Kind.EVENT))


@pytest.mark.parametrize(
    ("size", "kept"),
    [(1, 1), (KEPT_BYTES - 1, 4095), (KEPT_BYTES, 4096), (KEPT_BYTES + 1, 4096), (70_000, 4096)],
)
def test_the_first_4_kib_are_kept_and_the_whole_size_is_told(size: int, kept: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    intake = take_in([Message(TOPIC, payload, 1)], lane="event", now=NOON)
    (reject,) = intake.rejects
    assert reject.payload == payload[:kept]
    assert reject.size_bytes == size


@pytest.mark.parametrize(("n", "kept"), [(9, 9), (10, 10), (11, 10)])
def test_ten_a_device_and_minute(n: int, kept: int) -> None:
    assert KEPT_PER_DEVICE_AND_MINUTE == 10
    limiter = RejectLimiter()
    mine = Reject(NOON, "event", TOPIC, "json", "", 1, b"x", "door-cam-1")
    other = Reject(NOON, "event", TOPIC, "json", "", 1, b"x", "door-cam-2")
    found, counts = limiter.split([mine] * n + [other])
    assert [one.device_id for one in found] == ["door-cam-1"] * kept + ["door-cam-2"]
    assert counts == {("event", "json"): n + 1}


@pytest.mark.parametrize(("seconds", "kept"), [(59.999, 0), (60.0, 1), (60.001, 1)])
def test_the_next_minute_begins_anew(seconds: float, kept: int) -> None:
    limiter = RejectLimiter()
    full = Reject(NOON, "event", TOPIC, "json", "", 1, b"x", "door-cam-1")
    limiter.split([full] * KEPT_PER_DEVICE_AND_MINUTE)
    at = NOON + timedelta(seconds=seconds)
    later = Reject(at, "event", TOPIC, "json", "", 1, b"x", "door-cam-1")
    assert len(limiter.split([later])[0]) == kept


@pytest.mark.parametrize(
    ("kind", "n", "good"),
    [
        (Kind.ALARM, 1, False),  # an array of one is still an array
        (Kind.FINDING_ALARM, 1, False),
        (Kind.EVENT, 1, True),
        (Kind.EVENT, 64, True),
        (Kind.EVENT, 65, False),
    ],
)
def test_where_an_array_may_stand(kind: Kind, n: int, good: bool) -> None:
    source = "loiter.started" if kind is Kind.FINDING_ALARM else "door.opened"
    one = b'{"seq":%d,"type":"' + source.encode() + b'","at":"2026-11-22T10:00:00Z"}'
    payload = b"[" + b",".join(one % seq for seq in range(n)) + b"]"
    intake = take_in([Message(str(Topic("door-cam-1", kind)), payload, 1)], lane="x", now=NOON)
    assert len(intake.reported) == (n if good else 0)
    assert bool(intake.rejects) is not good
