"""The watchman: presses a synthetic SOS each minute, and calls the duty engineer when it fails.

A process of its own, so that it also notices when the alarms process is gone, and a line of its
own, which shares none of the parts that may have failed.
"""

from __future__ import annotations

import threading

from alerts import synthetic
from app.processes.duty_line import DutyLine, duty_line
from app.processes.misses import Misses
from app.processes.running import Part, until_signalled
from app.processes.synthetic import Check, SyntheticSos
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import ConfigurationError, TemporaryError
from core.liveness import Beat
from core.settings import Settings
from core.telemetry import logger

# Processes that start together are not measured before they are there; who does not come at all
# within this is what the watchman is for.
_FIRST_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.5
_AGAIN_AFTER_MISS_S = 20.0  # three in a row take a minute, not three
_TELL_AGAIN_S = 5.0
_log = logger(__name__)


class Watchman:
    """Checks, records, and calls."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        sos: SyntheticSos,
        line: DutyLine,
        *,
        first_within_s: float = _FIRST_WITHIN_S,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._sos = sos
        self._line = line
        self._first_within_s = first_within_s
        self._misses = Misses()
        self._untold: tuple[str, Check] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchman")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def figures(self) -> dict[str, object]:
        """Return what `doorguard status` shows."""
        return {
            "misses": self._misses.in_a_row,
            "duty_line": "yes" if self._line.there else "NONE",
            "connected": self._sos.connected,
        }

    def _run(self) -> None:
        self._wait_ready()
        due_s = self._clock.monotonic_s()
        while not self._stop.is_set():
            now_s = self._clock.monotonic_s()
            if now_s >= due_s:
                check = self._sos.check()
                if self._stop.is_set():
                    return
                self._take(check)
                every_s = self._settings.synthetic_every_s
                due_s = now_s + (every_s if check.ok else min(every_s, _AGAIN_AFTER_MISS_S))
            self._tell()
            left_s = due_s - self._clock.monotonic_s()
            self._stop.wait(max(0.0, min(left_s, _TELL_AGAIN_S if self._untold else left_s)))

    def _wait_ready(self) -> None:
        since, end_s = self._clock.now(), self._clock.monotonic_s() + self._first_within_s
        while not self._stop.is_set() and self._clock.monotonic_s() < end_s:
            try:
                if self._sos.ready(since):
                    return
            except TemporaryError as error:
                _log.warning("the first test alarm waits", error=str(error))
            self._stop.wait(_LOOK_EVERY_S)

    def _take(self, check: Check) -> None:
        word = self._misses.note(check.ok, self._clock.monotonic_s())
        if word is not None:
            self._untold = (word, check)
        if not check.ok:
            _log.error("the synthetic SOS failed", detail=check.failure)
        try:
            with self._database.transaction() as conn:
                synthetic.record_check(
                    conn,
                    started_at=check.began,
                    acked_ms=check.acked_ms,
                    paged_ms=check.paged_ms,
                    board_ms=check.board_ms,
                    ok=check.ok,
                    detail=check.failure,
                )
                if not check.ok:
                    synthetic.page_engineers(
                        conn,
                        now=self._clock.now(),
                        settings=self._settings,
                        reason=check.failure,
                    )
        except TemporaryError as error:
            _log.error("the check could not be recorded", error=str(error))

    def _tell(self) -> None:
        """Call the engineer where something is to be told; again until it was taken."""
        if self._untold is None:
            return
        state, check = self._untold
        failing = state == "failing"
        title = "Door Guard: alarms are not paged" if failing else "Door Guard: alarms are paged"
        text = (
            f"{self._misses.in_a_row} test alarms in a row failed, the last at "
            f"{check.began:%H:%M:%S} UTC: {check.failure}. {self._settings.public_url}"
            if failing
            else f"A test alarm went the whole way at {check.began:%H:%M:%S} UTC."
        )
        facts = {"state": state, "failure": check.failure, "at": check.began.isoformat()}
        try:
            self._line.send(title, text, facts)
        except TemporaryError as error:
            _log.error("the duty engineer was not reached; tried again", error=str(error))
            return
        except ConfigurationError as error:
            _log.critical("the duty engineer cannot be reached", error=str(error), state=state)
        self._untold = None


def run(settings: Settings) -> None:
    """Serve until a signal."""
    stop = until_signalled()
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-watchman", max_size=2)
    database.open()
    line = duty_line(clock)
    if not line.there:
        _log.warning("DOORGUARD_WATCHMAN_URL is not set: when alarms fail, only the board says so")
    sos = SyntheticSos(settings, database, clock)
    watchman = Watchman(settings, database, clock, sos, line)
    beat = Beat(database, clock, "watchman", watchman.figures)
    parts: list[Part] = [sos, watchman, beat]
    for part in parts:
        part.start()
    stop.wait()
    for part in reversed(parts):
        part.stop()
    database.close()
