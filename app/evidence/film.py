"""A case as a short MP4: its pictures in their own time, long waits between them cut short.

MPEG-4 Part 2, which players and police software read and which costs a third of a second of CPU
for a case; no browser plays it. VP9 by the same library takes twenty seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2

from app.evidence.drawing import Image, annotated, decoded
from app.evidence.reading import read_picture
from core.errors import PermanentError
from core.evidence import Manifest, Picture
from core.ports import ObjectStore

FPS = 5.0
_HIGH_PX = 720
_LONGEST_PAUSE_S = 1.0  # of the film, for minutes between entry and alarm


def film(objects: ObjectStore, manifest: Manifest, *, timezone: str, boxes: bool = True) -> bytes:
    """Return the MP4. Raises what `read_picture` raises, `PermanentError` for an empty case."""
    if not manifest.pictures:
        raise PermanentError("no picture of this case was stored")
    with tempfile.TemporaryDirectory(prefix="doorguard-film-") as folder:
        path = Path(folder) / "case.mp4"  # OpenCV writes files only; the folder is ours alone
        writer: cv2.VideoWriter | None = None
        try:
            for picture, shown in _timed(manifest.pictures):
                image = decoded(read_picture(objects, picture.key, picture.sha256))
                if boxes:
                    image = annotated(image, picture, manifest.track, timezone)
                if writer is None:
                    size = _size(image)
                    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, size)
                    if not writer.isOpened():
                        raise PermanentError("this installation of OpenCV writes no MP4")
                scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                for _ in range(shown):
                    writer.write(scaled)
        finally:
            if writer is not None:
                writer.release()
        return path.read_bytes()


def _timed(pictures: list[Picture]) -> Iterator[tuple[Picture, int]]:
    """Yield each picture with the frames it is shown for; late ones make up for early ones."""
    film_s, frames = 0.0, 0
    for at, picture in enumerate(pictures):
        if at + 1 < len(pictures):
            ahead_s = (pictures[at + 1].captured_at - picture.captured_at).total_seconds()
            film_s += min(ahead_s, _LONGEST_PAUSE_S)
        else:
            film_s += 1.0 / FPS
        shown = max(round(film_s * FPS) - frames, 0 if at + 1 < len(pictures) else 1)
        frames += shown
        if shown:
            yield picture, shown


def _size(image: Image) -> tuple[int, int]:
    """Return (width, height), at most 720 high and even, as video wants it."""
    rows, columns = image.shape[:2]
    high = min(rows, _HIGH_PX) // 2 * 2
    return max(columns * high // rows // 2 * 2, 2), high
