"""Findings on their way to the broker: numbered once, sent in order, not forgotten too soon."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from core.clock import Clock
from core.errors import TemporaryError
from core.model import Finding
from core.telemetry import SHED, logger

MOST = 1000  # kept while the broker is away
SURE_AFTER_S = 30.0  # the session has handed it over by then, or says that the broker is away
_log = logger(__name__)


class Outbox:
    """`publish` may raise `TemporaryError`: the finding is tried again, before those behind it.

    A finding has its number from the start, so whoever sends it again after a restart, this
    worker or another, sends the same event, and it is one row. Not locked.
    """

    def __init__(self, clock: Clock, publish: Callable[[Finding], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._waiting: deque[Finding] = deque()
        self._sent: deque[tuple[float, Finding]] = deque()
        self._retry_at_s = float("-inf")
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def number(self, finding: Finding) -> Finding:
        """Return it with its sequence number, microseconds since the epoch or one more."""
        self._number = max(self._number + 1, int(self._clock.now().timestamp() * 1e6))
        return replace(finding, seq=self._number)

    def put(self, findings: Iterable[Finding]) -> None:
        """Queue numbered findings; the oldest is given up where too many wait."""
        for finding in findings:
            if len(self._waiting) >= MOST:
                self._waiting.popleft()
                SHED.labels("findings").inc()
                _log.error("a finding was dropped: the broker has been away too long")
            self._waiting.append(finding)

    def flush(self, now_s: float) -> int:
        """Publish what waits, in order; stop at the first temporary error. Return how many went."""
        if now_s < self._retry_at_s:
            return 0
        sent = 0
        while self._waiting:
            try:
                self._publish(self._waiting[0])
            except TemporaryError as error:
                self._retry_at_s = now_s + error.delay_s
                _log.warning("finding not published yet", error=str(error))
                break
            self._sent.append((now_s, self._waiting.popleft()))
            sent += 1
        while self._sent and now_s - self._sent[0][0] > SURE_AFTER_S:
            self._sent.popleft()
        return sent

    def last_try(self) -> int:
        """Publish at once what waits, whatever happened before."""
        self._retry_at_s = float("-inf")
        return self.flush(self._clock.monotonic_s())

    def unsure(self, device_id: str) -> list[Finding]:
        """Return a camera's findings that may not have reached the broker."""
        sent = [finding for _, finding in self._sent if finding.device_id == device_id]
        return sent + self.unsent(device_id)

    def unsent(self, device_id: str) -> list[Finding]:
        """Return a camera's findings that the session has not taken."""
        return [finding for finding in self._waiting if finding.device_id == device_id]
