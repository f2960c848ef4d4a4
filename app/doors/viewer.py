"""Who watches a camera: the newest picture, handed from the network's thread to the event loop."""

from __future__ import annotations

import asyncio
import struct
import threading
from dataclasses import dataclass

_HEAD = struct.Struct(">QI")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be seen: its masks are applied. `captured_at_us` by the camera's clock."""

    number: int
    captured_at_us: int
    jpeg: bytes

    def message(self) -> bytes:
        """Return what goes to the viewer: `>QI` (capture time in microseconds, number), JPEG."""
        return _HEAD.pack(self.captured_at_us, self.number & 0xFFFFFFFF) + self.jpeg


class Viewer:
    """Holds one picture, the newest: whoever is slow misses pictures and is never behind."""

    def __init__(self, device_id: str, until_s: float) -> None:
        self.device_id = device_id
        self.until_s = until_s  # by the monotonic clock
        self.missed = 0
        self._loop = asyncio.get_running_loop()
        self._fresh = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: Picture | None = None

    def offer(self, picture: Picture) -> None:
        """Take a picture; from any thread."""
        with self._lock:
            before, self._waiting = self._waiting, picture
        if before is not None:
            self.missed += 1
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fresh.set)

    async def next(self) -> Picture:
        """Return the newest picture that was not returned yet, waiting for it."""
        while True:
            with self._lock:
                picture, self._waiting = self._waiting, None
                self._fresh.clear()
            if picture is not None:
                return picture
            await self._fresh.wait()
