"""From messages to what must be stored, refused and answered; pure.

Nothing here stops at a bad message: what breaks a rule becomes a `Reject` beside its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from core.catalogue import CATALOGUE, Source
from core.errors import DecodeError
from core.ports import Message
from core.reports import KEPT_BYTES, Reject, Report, decode_report
from core.topics import DETECTOR_PUBLISHES, Kind, Topic, parse
from core.wire import (
    Ack,
    EventMessage,
    Rejected,
    Status,
    decode_events,
    decode_reply,
    decode_status,
    exact_event,
)

HEARTBEAT = "heartbeat"
POSITION = "position.reported"


# What a retry repeats: device, source, `seq` and the time as the device told it.
Key = tuple[str, Source, int, datetime]


class Reported(msgspec.Struct, frozen=True, gc=False):
    """One good event with where it came from; `topic` serves a later rejection."""

    device: str
    source: Source
    message: EventMessage
    topic: str
    ack: bool

    @property
    def key(self) -> Key:
        """The event's identity as far as the device tells it."""
        return (self.device, self.source, self.message.seq, self.message.at)


@dataclass(slots=True)
class Intake:
    """What a batch of messages held."""

    reported: list[Reported] = field(default_factory=list)
    heartbeats: list[Reported] = field(default_factory=list)
    positions: list[tuple[Reported, Place]] = field(default_factory=list)
    statuses: list[tuple[str, Status, bool]] = field(default_factory=list)  # device, it, retained
    reports: list[Report] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    refused: dict[str, list[Rejected]] = field(default_factory=dict)  # device → answers
    heard: set[str] = field(default_factory=set)
    unknown_fields: int = 0

    def refuse(self, device: str, seq: int | None, reason: str) -> None:
        """Remember to answer a device that this event will never be taken."""
        if seq is not None:
            self.refused.setdefault(device, []).append(Rejected(seq, reason))


class Place(msgspec.Struct, frozen=True):
    """Where a pager is: the data of `position.reported`, degrees (WGS 84)."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=10_000)]


_PLACE = msgspec.json.Decoder(Place)


def reject(
    lane: str, topic: str, error: DecodeError, payload: bytes, now: datetime, device: str | None
) -> Reject:
    """Return the row that keeps a refused message."""
    return Reject(
        received_at=now,
        lane=lane,
        topic=topic[:512].replace("\0", "�"),
        reason=error.reason,
        detail=error.detail[:500].replace("\0", "�"),
        size_bytes=len(payload),
        payload=payload[:KEPT_BYTES],
        device_id=device,
    )


def take_in(messages: Sequence[Message], *, lane: str, now: datetime) -> Intake:
    """Decode a batch in order."""
    intake = Intake()
    for message in messages:
        if message.topic.startswith("dg/svc/"):
            _take_report(intake, message, lane, now)
            continue
        try:
            topic = parse(message.topic)
        except DecodeError as error:
            intake.rejects.append(reject(lane, message.topic, error, message.payload, now, None))
            continue
        if not message.retained:
            intake.heard.add(topic.device)
        try:
            _take(intake, topic, message, lane, now)
        except DecodeError as error:
            intake.rejects.append(
                reject(lane, message.topic, error, message.payload, now, topic.device)
            )
    return intake


def _take_report(intake: Intake, message: Message, lane: str, now: datetime) -> None:
    try:
        intake.reports.append(decode_report(message.payload))
    except DecodeError as error:
        intake.rejects.append(reject(lane, message.topic, error, message.payload, now, None))


def _take(intake: Intake, topic: Topic, message: Message, lane: str, now: datetime) -> None:
    if topic.kind is Kind.STATUS:
        if message.payload:  # an empty retained message only clears the broker's copy
            intake.statuses.append((topic.device, decode_status(message.payload), message.retained))
        return
    if topic.kind is Kind.REPLY:
        decode_reply(message.payload)
        return
    source = Source.DETECTOR if topic.kind in DETECTOR_PUBLISHES else Source.DEVICE
    if event := exact_event(message.payload, source=source):
        if error := _sort_in(intake, event, topic, source, message.topic):
            raise error
        return
    single = topic.kind in (Kind.ALARM, Kind.FINDING_ALARM)
    decoded = decode_events(message.payload, source=source, array=not single)
    intake.unknown_fields += decoded.unknown_fields
    for error in decoded.errors:
        intake.rejects.append(
            reject(lane, message.topic, error, message.payload, now, topic.device)
        )
        if source is Source.DEVICE:
            intake.refuse(topic.device, error.seq, error.reason)
    for event in decoded.events:
        if error := _sort_in(intake, event, topic, source, message.topic):
            intake.rejects.append(
                reject(lane, message.topic, error, message.payload, now, topic.device)
            )


def _sort_in(
    intake: Intake, event: EventMessage, topic: Topic, source: Source, name: str
) -> DecodeError | None:
    owed = source is Source.DEVICE and (
        event.ack or topic.kind is Kind.ALARM or CATALOGUE[event.type].alarm
    )
    reported = Reported(topic.device, source, event, name, owed)
    if event.type == POSITION:
        return _locate(intake, reported)
    (intake.heartbeats if event.type == HEARTBEAT else intake.reported).append(reported)
    return None


def _locate(intake: Intake, reported: Reported) -> DecodeError | None:
    """A position is no history: it becomes the newest of its device, or nothing."""
    try:
        intake.positions.append((reported, _PLACE.decode(reported.message.data)))
    except msgspec.MsgspecError as error:
        intake.refuse(reported.device, reported.message.seq, "schema")
        return DecodeError("schema", str(error), seq=reported.message.seq)
    return None


def acks(intake: Intake, stored: Sequence[Reported]) -> dict[str, Ack]:
    """Return the application acknowledgement each device is owed after commit."""
    seqs: dict[str, list[int]] = {}
    for one in stored:
        if one.ack:
            seqs.setdefault(one.device, []).append(one.message.seq)
    return {
        device: Ack(seqs.get(device, []), intake.refused.get(device, []))
        for device in sorted(seqs.keys() | intake.refused.keys())
    }
