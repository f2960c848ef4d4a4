"""A video file as a door camera's view: by the film's own time, upscaled, JPEG quality 80.

The only file of the project that opens a video (`cv2.VideoCapture`).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.errors import ConfigurationError
from simulators.source import Image, encode_jpeg

QUIET_FIRST, QUIET_LAST = 2, 26  # frames of the file shown before it starts, numbered from 0
FULL_HD = (1920, 1080)


class Replay:
    """Plays `path` after `lead_in_s` seconds of its own first quiet frames, forth and back.

    `size` is (width, height) in px of the picture sent; another aspect ratio is kept and the rest
    is black. With `loop` the film starts again after its end, without the lead-in; else `at`
    returns None there. `film_fps` and `film_frames` are the file's own. Raises
    `ConfigurationError` for a file that cannot be read as a video.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        lead_in_s: float = 0.0,
        loop: bool = False,
        size: tuple[int, int] = FULL_HD,
    ) -> None:
        self.path = Path(path)
        self.lead_in_s = lead_in_s
        self._loop = loop
        self._size = size
        if not self.path.is_file():
            raise ConfigurationError(f"no such video file: {self.path}")
        self._capture = self._open()
        self.film_fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if not 0.5 <= self.film_fps <= 240.0:
            raise ConfigurationError(
                f"{self.path}: {self.film_fps:g} frames per second is not a video's rate"
            )
        self._quiet = self._read_quiet() if lead_in_s > 0 else []
        self._position = -1  # index of the frame in `_image`
        self._image: Image | None = None
        self._played = 0  # frames of whole rounds before this one
        self._encoded: tuple[int, bytes] | None = None

    def at(self, t_s: float) -> bytes | None:
        """Return the JPEG `t_s` seconds after the start; times must not fall."""
        if t_s < self.lead_in_s:
            step = int(t_s * self.film_fps)
            span = max(1, 2 * (len(self._quiet) - 1))
            turn = step % span
            return self._quiet[min(turn, span - turn, len(self._quiet) - 1)]
        # the small part keeps 0.3 s x 10 fps from being frame 2
        wanted = int((t_s - self.lead_in_s) * self.film_fps + 1e-6)
        if self._encoded is not None and self._encoded[0] == wanted:
            return self._encoded[1]
        image = self._seek(wanted)
        if image is None:
            return None
        self._encoded = (wanted, self._encode(image))
        return self._encoded[1]

    def close(self) -> None:
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise ConfigurationError(f"not a video that can be read: {self.path}")
        return capture

    def _read_quiet(self) -> list[bytes]:
        quiet: list[bytes] = []
        last: Image | None = None
        for index in range(QUIET_LAST + 1):
            ok, image = self._capture.read()
            if not ok:
                break
            last = np.asarray(image, np.uint8)
            if index >= QUIET_FIRST:
                quiet.append(self._encode(last))
        if last is None:
            raise ConfigurationError(f"no frame can be read from {self.path}")
        self._capture.release()
        self._capture = self._open()
        return quiet or [self._encode(last)]

    def _seek(self, wanted: int) -> Image | None:
        """Read on to frame `wanted`, counted over all rounds; None after the end."""
        while self._played + self._position < wanted:
            ok, image = self._capture.read()
            if ok:
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
        width, height = self._size
        scale = min(width / image.shape[1], height / image.shape[0])
        fitted = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        scaled = np.asarray(cv2.resize(image, fitted, interpolation=cv2.INTER_LINEAR), np.uint8)
        if fitted == (width, height):
            return encode_jpeg(scaled)
        picture = np.zeros((height, width, 3), np.uint8)
        left, top = (width - fitted[0]) // 2, (height - fitted[1]) // 2
        picture[top : top + fitted[1], left : left + fitted[0]] = scaled
        return encode_jpeg(picture)
