"""The detect process: frames in, findings out over MQTT, evidence to the object store."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.processes.dividing import Dividing, subscriptions
from app.processes.running import session_for, until_signalled
from core.catalogue import CATALOGUE
from core.clock import Clock, SystemClock
from core.errors import DecodeError
from core.evidence import seal
from core.frames import decode_frame
from core.liveness import BEAT_EVERY_S, Reporter
from core.model import Finding
from core.objects import Objects
from core.ports import Bus, Message
from core.precedence import step_behind
from core.reports import KEPT_BYTES, Reject, report_topic
from core.settings import Settings
from core.telemetry import REJECTS
from core.topics import Kind, Topic, parse, part_of
from core.wire import encode
from core.workers import decode_beat, is_worker_topic
from detectors.person_model import PersonModel
from detectors.person_model import load as load_person_model
from detectors.snapshots import Snapshots
from detectors.worker import DetectWorker
from gateway.roles import service_username

_KEPT_REJECTS_PER_REPORT = 20


def finding_event(finding: Finding) -> bytes:
    """Return the wire form of a finding: an ordinary event."""
    evidence = [
        {
            "key": one.key,
            "sha256": one.sha256,
            "captured_at": one.captured_at.isoformat(),
            "size_bytes": one.size_bytes,
        }
        for one in finding.evidence
    ]
    return json.dumps(
        {
            "seq": finding.seq,
            "type": finding.type,
            "at": finding.at.isoformat(),
            "data": {**finding.data, "evidence": evidence},
        }
    ).encode()


class FindingsPublisher:
    """Sends findings at QoS 1."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def publish(self, finding: Finding) -> None:
        """Send one finding. Raises `BrokerAway`; the worker keeps it and tries again."""
        alarm = CATALOGUE[finding.type].alarm
        topic = Topic(finding.device_id, Kind.FINDING_ALARM if alarm else Kind.FINDING)
        self._bus.publish(str(topic), finding_event(finding), qos=1)


class FrameLane:
    """Takes frames and configuration off the session and hands them to the worker."""

    def __init__(self, worker: DetectWorker, bus: Bus, clock: Clock, dividing: Dividing) -> None:
        self._worker = worker
        self._dividing = dividing
        self._bus = bus
        self._clock = clock
        self._lock = threading.Lock()
        self._rejects: list[Reject] = []
        self._uncounted: Counter[str] = Counter()

    def offer(self, messages: Sequence[Message]) -> None:
        """Take what one read brought; never raises on any bytes."""
        for message in messages:
            self._take(message)
        self._bus.acknowledge(messages)

    def _take(self, message: Message) -> None:
        device: str | None = None
        try:
            if is_worker_topic(message.topic):
                self._dividing.heard(decode_beat(message.payload))
                return
            topic = parse(message.topic)
            device = topic.device
            if topic.kind is Kind.CONFIG:
                self._worker.on_config(device, message.payload)
            elif self._dividing.holds(part_of(device)):
                self._worker.on_frame(device, decode_frame(message.payload))
        except DecodeError as error:
            self.reject(message.topic, device, error, message.payload)

    def reject(self, topic: str, device: str | None, error: DecodeError, payload: bytes) -> None:
        """Count a frame that broke a rule, and keep the first ones of a report."""
        REJECTS.labels("frame", error.reason).inc()
        with self._lock:
            if len(self._rejects) >= _KEPT_REJECTS_PER_REPORT:
                self._uncounted[error.reason] += 1
                return
            self._rejects.append(
                Reject(
                    received_at=self._clock.now(),
                    lane="frame",
                    topic=topic[:512],
                    reason=error.reason,
                    detail=error.detail[:500],
                    size_bytes=len(payload),
                    payload=payload[:KEPT_BYTES],
                    device_id=device,
                )
            )

    def drain(self) -> tuple[list[Reject], dict[str, int]]:
        """Return the rejects since the last call: the kept ones, and counts of the others."""
        with self._lock:
            kept, self._rejects = self._rejects, []
            counts, self._uncounted = dict(self._uncounted), Counter()
        return kept, counts


def _person_model(settings: Settings) -> PersonModel | None:
    """Return the person check's model; raise `ConfigurationError` for one that does not work."""
    if settings.person_model is None:
        return None
    return load_person_model(
        settings.person_model,
        settings.person_layout,
        person=settings.person_class,
        least=settings.person_least,
        side_px=settings.person_side_px,
    )


def run(settings: Settings) -> None:
    """Serve until a signal."""
    step_behind(5)
    stop = until_signalled()
    clock = SystemClock()
    objects = Objects(settings.objects)
    # of this run: one that was killed is dead even while its successor lives
    me = f"{settings.instance or 'detect'}-{os.getpid()}-{secrets.token_hex(4)}"
    session = session_for(
        "detect",
        settings,
        name=f"{service_username('detect')}-{me}",
        subscriptions=subscriptions(frozenset()),
    )
    publisher = FindingsPublisher(session)
    worker = DetectWorker(
        objects,
        clock,
        publisher.publish,
        seal=lambda manifest: seal(manifest, settings.service_key),
        snapshots=Snapshots(settings.state_folder / "cameras", settings.service_key, clock),
        timezone=settings.timezone,
        finder=_person_model(settings),
    )
    dividing = Dividing(me, session, clock, worker.let_go)
    lane = FrameLane(worker, session, clock, dividing)
    session.deliver_to(lane.offer)

    def figures() -> dict[str, Any]:
        divided = dividing.figures()
        settled = divided.pop("settled")
        return {**worker.figures(), **divided, "connected": session.connected and settled}

    reporter = Reporter(clock, "detect", figures, instance=settings.instance)
    bad_jpegs = 0
    worker.start()
    session.start()
    dividing.start()
    while not stop.wait(BEAT_EVERY_S if session.connected else 0.2):
        if session.connected:
            kept, counts = lane.drain()
            found = worker.figures()["bad_jpegs"]
            if found > bad_jpegs:  # only the worker sees that a frame is no picture
                counts["jpeg"] = found - bad_jpegs
                bad_jpegs = found
            report = reporter.report(rejects=kept, rejects_not_kept=counts)
            session.publish(report_topic("detect"), encode(report), qos=1)
    dividing.stop()
    worker.stop()  # it publishes its last findings
    session.stop()
