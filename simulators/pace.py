"""When a camera takes its pictures: at its own rate, faster while somebody watches; pure."""

from __future__ import annotations


class Pace:
    """Times of the pictures, in seconds since the start, each `1 / fps` after the one before.

    A live view raises the rate for a while and never lowers it.
    """

    def __init__(self, own_fps: float) -> None:
        self._own_fps = own_fps
        self._live_fps = 0.0
        self._live_until_s = 0.0
        self._fps = own_fps
        self._first_s = 0.0  # since when the rate has been what it is
        self._taken = 0

    @property
    def due_s(self) -> float:
        """When the next picture is due."""
        return self._first_s + self._taken / self._fps

    def go_live(self, fps: float, now_s: float, for_s: float) -> None:
        """Take at least `fps` from now on; asked again, the later end holds."""
        self._live_fps = fps
        self._live_until_s = now_s + for_s
        self._change(now_s)

    def end_live(self, now_s: float) -> None:
        """Go back to the camera's own rate."""
        self._live_until_s = now_s
        self._change(now_s)

    def took(self, now_s: float) -> int:
        """Note that the picture that was due is taken; return how many were missed since."""
        late = int((now_s - self._first_s) * self._fps)
        missed = max(0, late - self._taken - 1)
        self._taken = max(self._taken + 1, late)
        if self._fps != self._own_fps and now_s >= self._live_until_s:
            self._change(now_s)
        return missed

    def _change(self, now_s: float) -> None:
        live = now_s < self._live_until_s
        fps = max(self._own_fps, self._live_fps) if live else self._own_fps
        if fps != self._fps:
            wait_s = 0.0 if fps > self._fps else 1 / fps  # who begins to watch sees one at once
            self._first_s = min(self.due_s, now_s + wait_s)
            self._fps, self._taken = fps, 0
