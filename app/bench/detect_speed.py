"""What one frame costs, beside a known algorithm on the same frames in the same run.

Time is the CPU time of this thread (other programs on the machine do not count), OpenCV has one
thread, and figures are medians over frames. MOG2 is OpenCV's `createBackgroundSubtractorMOG2()`
with its default parameters, given the grey picture of 240x135 already decoded; only `apply` is
timed. Detector and MOG2 take turns frame by frame, so a slow moment of the machine meets both.
`mog2_ms` is of the frames with a person: the empty scene is 25 frames repeated, without the fresh
noise of a camera, which MOG2 takes in half the time (`mog2_each_ms` has both).
"""

from __future__ import annotations

import cProfile
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import cv2
import numpy as np

from app.bench import detect_stages
from app.bench.detect_run import Nowhere, numbered
from detectors.camera import Camera
from detectors.config import CameraConfig
from detectors.decode import decode_grey

MOG2_SIZE = (240, 135)
IDLE_FPS = 5.0
_SMALL_SHARE = 0.005  # a stage that takes less is left out
_THRESHOLD_S = 300.0  # no alarm, hence no evidence written, while time is taken


class Stopwatch:
    """CPU times of one kind of frame, in ms."""

    def __init__(self) -> None:
        self.detect_ms: list[float] = []
        self.decode_ms: list[float] = []
        self.mog2_ms: list[float] = []
        self.profile = cProfile.Profile()


def measure(
    lead_in: Sequence[bytes], empty: Sequence[bytes], person: Sequence[bytes], fps: float
) -> dict[str, Any]:
    """Time the 1080p JPEGs `empty` and `person` after the detector has learnt `lead_in`.

    Returns `decode_detect_ms`, `decode_ms`, `mog2_ms`, `mog2_each_ms`, `ratio_mog2` (of
    decode_detect to `mog2_ms`), `stages_ms` and `cameras_per_core`.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        kinds = {"empty": empty, "person": person}
        watches = _run(lead_in, kinds, fps)
        _profile(lead_in, kinds, fps, watches)
    finally:
        cv2.setNumThreads(threads)
    mog2 = {kind: median(watch.mog2_ms) for kind, watch in watches.items()}
    detect = {kind: median(watch.detect_ms) for kind, watch in watches.items()}
    decode = {kind: median(watch.decode_ms) for kind, watch in watches.items()}
    return {
        "decode_detect_ms": {kind: round(ms, 3) for kind, ms in detect.items()},
        "decode_ms": {kind: round(ms, 3) for kind, ms in decode.items()},
        "mog2_ms": round(mog2["person"], 3),
        "mog2_each_ms": {kind: round(ms, 3) for kind, ms in mog2.items()},
        "ratio_mog2": {kind: round(ms / mog2["person"], 2) for kind, ms in detect.items()},
        "stages_ms": {
            kind: {
                stage: round(share * detect[kind], 3)
                for stage, share in detect_stages.shares(watch.profile).items()
                if share >= _SMALL_SHARE
            }
            for kind, watch in watches.items()
        },
        "cameras_per_core": int(1000.0 / (IDLE_FPS * detect["empty"])),
    }


def _run(
    lead_in: Sequence[bytes], kinds: Mapping[str, Sequence[bytes]], fps: float
) -> dict[str, Stopwatch]:
    camera = Camera("timed", CameraConfig(loiter_after_s=_THRESHOLD_S), Nowhere())
    mog2 = cv2.createBackgroundSubtractorMOG2()
    shown = _shown(lead_in, kinds)
    frames = numbered((at / fps, jpeg, False) for at, (_, jpeg) in enumerate(shown))
    watches = {kind: Stopwatch() for kind in kinds}
    for (kind, jpeg), frame in zip(shown, frames, strict=True):
        begun = time.thread_time_ns()
        camera.feed(frame)
        fed = time.thread_time_ns()
        grey = decode_grey(jpeg)
        decoded = time.thread_time_ns()
        if grey.shape[::-1] != MOG2_SIZE:
            grey = np.asarray(cv2.resize(grey, MOG2_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        before = time.thread_time_ns()
        mog2.apply(grey)
        applied = time.thread_time_ns()
        if kind is not None:
            watches[kind].detect_ms.append((fed - begun) / 1e6)
            watches[kind].decode_ms.append((decoded - fed) / 1e6)
            watches[kind].mog2_ms.append((applied - before) / 1e6)
    return watches


def _profile(
    lead_in: Sequence[bytes],
    kinds: Mapping[str, Sequence[bytes]],
    fps: float,
    watches: Mapping[str, Stopwatch],
) -> None:
    """Go over the same frames once more with the profiler on."""
    camera = Camera("profiled", CameraConfig(loiter_after_s=_THRESHOLD_S), Nowhere())
    shown = _shown(lead_in, kinds)
    frames = numbered((at / fps, jpeg, False) for at, (_, jpeg) in enumerate(shown))
    for (kind, _), frame in zip(shown, frames, strict=True):
        if kind is None:
            camera.feed(frame)
        else:
            watches[kind].profile.runcall(camera.feed, frame)


def _shown(
    lead_in: Sequence[bytes], kinds: Mapping[str, Sequence[bytes]]
) -> list[tuple[str | None, bytes]]:
    shown: list[tuple[str | None, bytes]] = [(None, jpeg) for jpeg in lead_in]
    return shown + [(kind, jpeg) for kind, jpegs in kinds.items() for jpeg in jpegs]
