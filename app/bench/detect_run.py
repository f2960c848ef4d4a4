"""One camera's detector run over frames, in this process: what it said, for the judge."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.bench.judge import Alarm, Box, Complaint, Look
from core.errors import NotFound
from core.frames import Frame
from core.model import Finding
from detectors.camera import Camera
from detectors.config import CameraConfig
from detectors.dwell import State

START_US = 1_700_000_000_000_000  # capture time of second 0
SEEN_WITHIN_S = 0.5  # a person hidden for less is still said to be there
_IDLE_EVERY_S = 1.0


@dataclass(slots=True)
class Heard:
    """What was said of one run: `looks` per frame, and the findings; times in seconds of it."""

    looks: list[Look] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    restored_s: list[float] = field(default_factory=list)
    findings: list[tuple[float, Finding]] = field(default_factory=list)
    cpu_s: float = 0.0


class Nowhere:
    """An object store that keeps nothing."""

    def put(self, key: str, body: bytes) -> None:
        """Drop the bytes."""

    def get(self, key: str) -> bytes:
        raise NotFound(key)


def run(
    frames: Iterable[Frame], threshold_s: float, end_s: float | None = None
) -> tuple[Heard, Camera]:
    """Feed the frames in the order they come; during a gap, and until `end_s`, ask each second.

    Capture times are counted from `START_US`.
    """
    camera = Camera("judged", CameraConfig(loiter_after_s=threshold_s), Nowhere())
    heard = Heard()
    newest_s = 0.0
    for frame in frames:
        at_s = (frame.captured_at_us - START_US) / 1e6
        _wait(camera, heard, newest_s, at_s)
        begun = time.thread_time()
        said = camera.feed(frame)
        heard.cpu_s += time.thread_time() - begun
        newest_s = max(newest_s, at_s)
        heard.looks.append(Look(at_s, is_present(camera, frame.captured_at_us)))
        _hear(heard, at_s, said)
    if end_s is not None:
        _wait(camera, heard, newest_s, end_s)
    return heard, camera


def is_present(camera: Camera, at_us: int) -> bool:
    """Whether the camera's tracks say that a person is there."""
    return any(
        track.visit.state in (State.PRESENT, State.LOITERING)
        and track.unseen_s(at_us) <= SEEN_WITHIN_S
        for track in camera.tracks
    )


def box_of(finding: Finding) -> Box | None:
    box = finding.data.get("box")
    return None if box is None else (box["x"], box["y"], box["w"], box["h"])


def numbered(
    pictures: Iterable[tuple[float, bytes, bool]], *, motion: bool = False
) -> Iterator[Frame]:
    """Make frames of (seconds, JPEG, infrared) as a camera numbers and stamps them."""
    for number, (at_s, jpeg, infrared) in enumerate(pictures, 1):
        captured_us = START_US + round(at_s * 1e6)
        yield Frame(number, captured_us, infrared=infrared, motion=motion, jpeg=jpeg)


def _wait(camera: Camera, heard: Heard, from_s: float, to_s: float) -> None:
    """Let time pass in which no frame comes, as the worker does."""
    asked_s = from_s + _IDLE_EVERY_S
    while asked_s < to_s:
        _hear(heard, asked_s, camera.idle(START_US + round(asked_s * 1e6)))
        asked_s += _IDLE_EVERY_S


def _hear(heard: Heard, at_s: float, findings: list[Finding]) -> None:
    for finding in findings:
        heard.findings.append((at_s, finding))
        room, _, what = finding.type.partition(".")
        if finding.type == "loiter.started":
            heard.alarms.append(Alarm(at_s, box_of(finding)))
        elif finding.type == "camera.restored":
            heard.restored_s.append(at_s)
        elif room == "camera":
            heard.complaints.append(Complaint(at_s, finding.data.get("fault", what)))
