"""Real video as a door camera would send it: 1080p JPEG, quality 80, capture times in order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from core.frames import Frame

_BESIDE = Path(__file__).resolve().parents[4] / "shared" / "footage"
FOLDER = Path(os.environ.get("DOORGUARD_FOOTAGE", _BESIDE))
EMPTY = range(2, 27)  # frames of table-visits.mp4 in which nobody is seen
START_US = 1_700_000_000_000_000

needed = pytest.mark.skipif(
    not (FOLDER / "truth.json").is_file(),
    reason=f"no footage in {FOLDER}; name its folder in DOORGUARD_FOOTAGE",
)


def truth(name: str) -> dict:
    return json.loads((FOLDER / "truth.json").read_text())[name]


def jpegs(name: str, size: tuple[int, int] = (1920, 1080)) -> list[bytes]:
    """Return every frame of a file, scaled and compressed."""
    video = cv2.VideoCapture(str(FOLDER / name))
    pictures = []
    while True:
        held, picture = video.read()
        if not held:
            break
        scaled = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        pictures.append(bytes(cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]))
    video.release()
    assert pictures, f"{name} has no frames"
    return pictures


def replay(
    pictures: list[bytes], file_fps: float, fps: float, empty_s: float = 0.0
) -> Iterator[tuple[int, Frame]]:
    """Yield (frame number of the file, frame); -1 while the empty scene is shown first."""
    lead = int(empty_s * fps)
    shown = [EMPTY[number % len(EMPTY)] for number in range(lead)]
    ahead = int(len(pictures) / file_fps * fps)
    shown += [int(number * file_fps / fps) for number in range(ahead)]
    for number, at in enumerate(shown):
        captured_us = START_US + int(number * 1e6 / fps)
        picture = pictures[at]
        yield (
            at if number >= lead else -1,
            Frame(number, captured_us, infrared=False, motion=False, jpeg=picture),
        )
