"""A video as a door camera's view: by the film's own time, upscaled, JPEG quality 80.

The only file of the project that opens a video (`cv2.VideoCapture`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from core.errors import ConfigurationError
from simulators.perturbation import Perturbation
from simulators.source import Image, encode_jpeg

QUIET = range(2, 27)  # frames of the film shown before it starts, numbered from 0
FULL_HD = (1920, 1080)
_CUT = 0.8  # of the pictures that a file claims; some containers only estimate them
_PATIENCE_MS = 10_000  # for an address to answer, and between its pictures


class Replay:
    """Plays `path` after `lead_in_s` seconds of its own `quiet` frames, forth and back.

    `size` is (width, height) in px of the picture sent; another aspect ratio is kept and the rest
    is black. With `loop` the film starts again after its end, without the lead-in; else `at`
    returns None there. `speed` plays it faster or slower. `perturb` changes the pictures (the
    film's own, before they are scaled), the lead-in's too. `film_fps` is the file's own. Raises
    `ConfigurationError` for a file that cannot be read as a video.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        lead_in_s: float = 0.0,
        loop: bool = False,
        size: tuple[int, int] = FULL_HD,
        quiet: range = QUIET,
        speed: float = 1.0,
        perturb: Perturbation | None = None,
    ) -> None:
        self.path = Path(path)
        self.lead_in_s = lead_in_s
        self._loop = loop
        self._size = size
        self._pace = speed
        self._perturb = perturb
        if not self.path.is_file():
            raise ConfigurationError(f"no such video file: {self.path}")
        if speed <= 0:
            raise ConfigurationError(f"a film cannot play at {speed:g} times its pace")
        self._capture = self._open()
        self.film_fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if not 0.5 <= self.film_fps <= 240.0:
            raise ConfigurationError(
                f"{self.path}: {self.film_fps:g} frames per second is not a video's rate"
            )
        self._quiet = self._read_quiet(quiet) if lead_in_s > 0 else []
        self._position = -1  # index of the frame in `_image`
        self._image: Image | None = None
        self._played = 0  # frames of whole rounds before this one
        self._encoded: dict[int, bytes] = {}  # the quiet frames (below 0) and the newest

    def at(self, t_s: float) -> bytes | None:
        """Return the JPEG `t_s` seconds after the start; times must not fall."""
        if t_s < self.lead_in_s:
            turn = self._quiet_turn(t_s)
            return self._jpeg(-1 - turn, self._quiet[turn], t_s)
        # the small part keeps 0.3 s x 10 fps from being frame 2
        wanted = int((t_s - self.lead_in_s) * self._pace * self.film_fps + 1e-6)
        image = self._seek(wanted)
        return None if image is None else self._jpeg(wanted, image, t_s)

    def infrared(self, t_s: float) -> bool:
        """Whether the camera is in its infrared mode at `t_s`, as its frame header would say."""
        return self._perturb is not None and self._perturb.infrared(t_s)

    def close(self) -> None:
        self._capture.release()

    def _jpeg(self, key: int, image: Image, t_s: float) -> bytes:
        if self._perturb is not None:
            return self._encode(self._perturb.apply(image, t_s))
        if key not in self._encoded:
            self._encoded = {k: v for k, v in self._encoded.items() if k < 0 and key < 0}
            self._encoded[key] = self._encode(image)
        return self._encoded[key]

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise ConfigurationError(f"not a video that can be read: {self.path}")
        return capture

    def _quiet_turn(self, t_s: float) -> int:
        span = max(1, 2 * (len(self._quiet) - 1))
        turn = int(t_s * self.film_fps + 1e-6) % span
        return min(turn, span - turn, len(self._quiet) - 1)

    def _read_quiet(self, quiet: range) -> list[Image]:
        shown: list[Image] = []
        last: Image | None = None
        for index in range(quiet.stop):
            held, image = self._capture.read()
            if not held:
                break
            last = np.asarray(image, np.uint8)
            if index >= quiet.start:
                shown.append(last)
        if last is None:
            raise ConfigurationError(f"no frame can be read from {self.path}")
        self._capture.release()
        self._capture = self._open()
        return shown or [last]

    def _seek(self, wanted: int) -> Image | None:
        """Read on to frame `wanted`, counted over all rounds; None after the end."""
        while self._played + self._position < wanted:
            held, image = self._capture.read()
            if held:
                self._position += 1
                self._image = np.asarray(image, np.uint8)
                continue
            if self._position < 0:
                raise ConfigurationError(f"no frame can be read from {self.path}")
            if not self._loop:
                return None
            self._played += self._position + 1
            self._position = -1
            self._capture.release()
            self._capture = self._open()
        return self._image

    def _encode(self, image: Image) -> bytes:
        return encode_jpeg(fitted(image, self._size))


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return the picture scaled into (width, height) with its aspect kept, the rest black."""
    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    scaled = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR), np.uint8)
    if inner == (width, height):
        return scaled
    picture = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    picture[top : top + inner[1], left : left + inner[0]] = scaled
    return picture


def pictures(source: str) -> Iterator[tuple[float, Image]]:
    """Yield (seconds, picture) of a file, an address (RTSP, HTTP) or a video device (its number
    or path), until it ends.

    A file's time is its frame's number over its rate. A stream's is its own clock, for its first
    seconds come in one go; a device's, and that of pictures over HTTP, which have none, is this
    machine's clock since the first picture. Raises `ConfigurationError` for what cannot be
    opened or has no picture that can be read, and for what stops before its end: a live source,
    a file with far fewer pictures than it claims.
    """
    capture, live = _opened(source)
    try:
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        fps = fps if 0.5 <= fps <= 240.0 else 25.0
        has_clock = "://" in source and not source.startswith("http")
        number, first_s, first_told_s = 0, 0.0, 0.0
        while True:
            held, image = capture.read()
            if not held:
                break
            told_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if number == 0:
                first_s, first_told_s = time.monotonic(), told_s
            at_s = number / fps
            if live:
                at_s = told_s - first_told_s if has_clock else time.monotonic() - first_s
            yield at_s, np.asarray(image, np.uint8)
            number += 1
        if number == 0:
            raise ConfigurationError(
                f"no picture can be read from {named(source)}: broken, or a codec not known here"
            )
        claimed = 0.0 if live else float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if number < _CUT * claimed:
            raise ConfigurationError(
                f"{named(source)} breaks off after {number} of {claimed:.0f} pictures"
            )
        if live:
            lasted_s = time.monotonic() - first_s
            raise ConfigurationError(
                f"{named(source)} sent nothing more, {lasted_s:.0f} s after its first picture"
            )
    finally:
        capture.release()


def is_live(source: str) -> bool:
    """Whether the source has a pace of its own: a device or an address, no file."""
    return source.isdecimal() or source.startswith("/dev/") or "://" in source


def named(source: str) -> str:
    """Return the source as it may be shown: an address without its user and password."""
    return re.sub(r"//[^/]*@", "//", source)


def _opened(source: str) -> tuple[cv2.VideoCapture, bool]:
    """Return the open source, and whether its pictures come as they are taken."""
    if not is_live(source):
        if not Path(source).is_file():
            raise ConfigurationError(f"no such video file: {source}")
        capture, live = cv2.VideoCapture(source), False
    elif "://" in source:
        waits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _PATIENCE_MS]
        waits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _PATIENCE_MS]
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, waits)
        # a film behind an address has a length, a camera none
        live = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
    else:
        device = Path(f"/dev/video{source}" if source.isdecimal() else source)
        if not device.exists():
            raise ConfigurationError(f"no such video device: {device}")
        capture, live = cv2.VideoCapture(str(device), cv2.CAP_V4L2), True
    if not capture.isOpened():
        capture.release()
        raise ConfigurationError(f"not a video that can be read: {named(source)}")
    return capture, live
