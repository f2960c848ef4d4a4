"""Cameras in memory behind `core.ports.Cameras`."""

from __future__ import annotations

from collections.abc import Callable

from core.frames import Frame


class _Watch:
    def __init__(self, end: Callable[[], None]) -> None:
        self.stop = end


class FakeCameras:
    """`send` hands a frame to whoever watches the device; `watched` is what is being watched."""

    def __init__(self) -> None:
        self.watched: list[str] = []
        self._takers: list[tuple[str, Callable[[Frame], None]]] = []

    def watch(self, device: str, take: Callable[[Frame], None]) -> _Watch:
        entry = (device, take)
        self._takers.append(entry)
        self.watched.append(device)

        def end() -> None:
            self._takers.remove(entry)
            self.watched.remove(device)

        return _Watch(end)

    def send(self, device: str, frame: Frame) -> None:
        for watched, take in list(self._takers):
            if watched == device:
                take(frame)
