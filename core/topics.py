"""MQTT topics of device protocol v1: `dg/v1/{part}/{device}/{kind}`.

`part` is two lower-case hex digits of crc32(device id) mod 64, so that all traffic of a device
lies in one partition and workers can divide the partitions among themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from zlib import crc32

from core.errors import DecodeError, PermanentError

ROOT = "dg/v1"
PARTITIONS = 64
DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{3,39}")


class Kind(StrEnum):
    """What stands below a device's root, and which way it goes."""

    ALARM = "alarm"
    EVENT = "event"
    FRAME = "frame"
    STATUS = "status"
    REPLY = "reply"
    FINDING = "finding"
    FINDING_ALARM = "finding/alarm"
    ACK = "ack"
    CMD = "cmd"
    CONFIG = "config"


DEVICE_PUBLISHES = (Kind.ALARM, Kind.EVENT, Kind.FRAME, Kind.STATUS, Kind.REPLY)
DEVICE_SUBSCRIBES = (Kind.ACK, Kind.CMD, Kind.CONFIG)
DETECTOR_PUBLISHES = (Kind.FINDING, Kind.FINDING_ALARM)

ALARM_LANE = (Kind.ALARM, Kind.FINDING_ALARM)
EVENT_LANE = (Kind.EVENT, Kind.FINDING, Kind.STATUS, Kind.REPLY)
FRAME_LANE = (Kind.FRAME, Kind.CONFIG)

# Of alarms processes side by side, among themselves: one holds the stored session; one has taken
# alarms while the database is away. No device may say or hear anything below `dg/svc`.
ALARMS_HOLDING = "dg/svc/alarms/holding"
ALARMS_CARRIED = "dg/svc/alarms/carried"
# Responders' answers from who heard them to who carries the incident, and what came of them.
ANSWERS_ASKED = "dg/svc/app/answers"
ANSWERS_GIVEN = "dg/svc/alarms/answers"
# How new is what open boards were handed last, for the watchman.
BOARD_DREW = "dg/svc/app/board"


@dataclass(frozen=True, slots=True)
class Topic:
    """One parsed topic; `part` always agrees with `device`."""

    device: str
    kind: Kind

    def __str__(self) -> str:
        return f"{device_root(self.device)}/{self.kind}"


def part_of(device: str) -> int:
    """Return the partition of a device, 0 to 63."""
    return crc32(device.encode()) % PARTITIONS


def partition(device: str) -> str:
    """Return the two hex digits under which the device's topics stand."""
    return f"{part_of(device):02x}"


def check_device_id(device: str) -> str:
    """Return `device`, or raise `PermanentError` saying what an id looks like."""
    if not DEVICE_ID.fullmatch(device):
        msg = (
            f"device id {device!r}: 4 to 40 of a-z, 0-9 and '-', beginning with a letter or a digit"
        )
        raise PermanentError(msg)
    return device


def device_root(device: str) -> str:
    """Return the topic root of a device, without a trailing slash."""
    return f"{ROOT}/{partition(device)}/{device}"


def wildcard(kind: Kind) -> str:
    """Return the filter that matches `kind` of every device."""
    return f"{ROOT}/+/+/{kind}"


def frames_of(part: int) -> str:
    """Return the filter that matches the frames of one partition's cameras."""
    return f"{ROOT}/{part:02x}/+/{Kind.FRAME}"


@lru_cache(maxsize=1 << 16)
def parse(topic: str) -> Topic:
    """Return the parsed topic, or raise `DecodeError` (`topic`)."""
    pieces = topic.split("/", 4)
    if len(pieces) != 5 or f"{pieces[0]}/{pieces[1]}" != ROOT:
        raise DecodeError("topic", f"not below {ROOT}: {topic[:120]!r}")
    _, _, part, device, kind = pieces
    if not DEVICE_ID.fullmatch(device):
        raise DecodeError("topic", f"not a device id: {device[:60]!r}")
    if part != partition(device):
        raise DecodeError("topic", f"{device} belongs to partition {partition(device)}")
    try:
        return Topic(device, Kind(kind))
    except ValueError:
        raise DecodeError("topic", f"unknown kind: {kind[:60]!r}") from None
