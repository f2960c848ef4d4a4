"""The threads that page: one that sends what is due, one that lets time pass for incidents.

Both work from the database alone. Any number of processes may run them: work is claimed, not
owned, and what a dead one held becomes due again within half a second.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from alerts.escalation import fire_due
from alerts.paging.delivery import (
    SEND_WITHIN_S,
    Claimed,
    Result,
    claim,
    hold_claims,
    record,
    release_claims,
    send,
    send_within,
)
from core.clock import Clock
from core.database import Connection, Database, translated
from core.errors import DatabaseAway
from core.ports import Channel
from core.settings import Settings
from core.telemetry import logger

POLL_S = 0.5
TICK_S = 0.25
_COMMON = 6  # messages of every kind at once
_SENDERS = 256  # the rest is for pages of life safety alone: as many as there may ever be at once
_BUSY_S = 0.05  # an address or a sender becomes free at any moment
_log = logger(__name__)


def _end_process(error: BaseException) -> None:
    """End on a bug, in order; the supervisor starts the process again."""
    _log.critical("paging stopped by a bug", exc_info=error)
    os.kill(os.getpid(), signal.SIGTERM)


class Dispatcher:
    """Sends queued deliveries: at once on NOTIFY, and by polling every 0.5 s in any case.

    A send that takes longer than `send_within_s` is given up and tried again later; what it hangs
    in counts against its address until it ends. `on_bug` is called from the thread that ends
    because of an error that is not ours.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        channels: Sequence[Channel],
        *,
        send_within_s: float = SEND_WITHIN_S,
        on_bug: Callable[[BaseException], None] = _end_process,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._send_within_s = send_within_s
        self._channels = {channel.name: channel for channel in channels}
        self._on_bug = on_bug
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._in_flight = 0
        self._claimer: int | None = None
        self._released_s = float("-inf")
        self._held: dict[int, str] = {}  # delivery id to address, until the send really ended
        self._sent = self._failed = self._retried = 0
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="page")
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more; wait for what is being sent, at most 10 s."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._senders.shutdown(wait=True, cancel_futures=True)

    def figures(self) -> dict[str, Any]:
        """Return counts since the start: `sent retried failed`; now: `in_flight`, `abandoned`."""
        with self._lock:
            return {
                "sent": self._sent,
                "retried": self._retried,
                "failed": self._failed,
                "in_flight": self._in_flight,
                "abandoned": max(0, len(self._held) - self._in_flight),
                "running": self._thread.is_alive(),
            }

    def deliver_due(self) -> int:
        """Send everything that is due now in this thread; return how many attempts were made.

        Without a deadline: what hangs is waited for.
        """
        made = 0
        while batch := self._claim(_COMMON, life_safety_only=False):
            for claimed in batch:
                self._record(claimed, send(self._channels, claimed))
            made += len(batch)
        return made

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(self._database.listener()) as listener, translated():
                    listener.execute("LISTEN deliveries")
                    self._claimer = hold_claims(listener)
                    self._listen(listener)
            except DatabaseAway as error:
                _log.warning("paging waits for the database", error=str(error))
                self._stop.wait(POLL_S)
            except BaseException as error:
                self._on_bug(error)
                raise

    def _listen(self, listener: Connection) -> None:
        while not self._stop.is_set():
            self._take_over()
            busy = self._fill()
            for _ in listener.notifies(timeout=_BUSY_S if busy else POLL_S, stop_after=1):
                pass

    def _take_over(self) -> None:
        """Twice a second, make due what a process claimed that is gone."""
        now_s = self._clock.monotonic_s()
        if now_s - self._released_s < POLL_S:
            return
        self._released_s = now_s
        with self._database.transaction() as conn:
            released = release_claims(conn, now=self._clock.now())
        if released:
            _log.warning("messages of a process that is gone are sent by this one", n=released)

    def _fill(self) -> bool:
        """Claim as much as there are free senders; True while more may wait than was taken."""
        with self._lock:
            free = _SENDERS - self._in_flight
        common = max(0, _COMMON - self._in_flight)
        batch = self._take(common, life_safety_only=False) if common else []
        if len(batch) == common and free > len(batch):
            batch += self._take(free - len(batch), life_safety_only=True)
        for claimed in batch:
            self._senders.submit(self._deliver_and_free, claimed)
        with self._lock:
            return self._in_flight > 0

    def _take(self, limit: int, *, life_safety_only: bool) -> list[Claimed]:
        batch = self._claim(limit, life_safety_only=life_safety_only)
        with self._lock:
            self._in_flight += len(batch)
            self._held.update((claimed.delivery_id, claimed.to) for claimed in batch)
        return batch

    def _claim(self, limit: int, *, life_safety_only: bool) -> list[Claimed]:
        with self._lock:
            held = dict(self._held)
        with self._database.transaction() as conn:
            return claim(
                conn,
                now=self._clock.now(),
                settings=self._settings,
                limit=limit,
                life_safety_only=life_safety_only,
                held=held,
                claimer=self._claimer,
            )

    def _deliver_and_free(self, claimed: Claimed) -> None:
        try:
            self._deliver(claimed)
        except DatabaseAway as error:
            _log.warning("a result was not recorded; sent again after the lease", error=str(error))
        except BaseException as error:
            self._on_bug(error)
            raise
        finally:
            with self._lock:
                self._in_flight -= 1

    def _deliver(self, claimed: Claimed) -> None:
        def ended() -> None:
            with self._lock:
                self._held.pop(claimed.delivery_id, None)

        self._record(claimed, send_within(self._channels, claimed, self._send_within_s, ended))

    def _record(self, claimed: Claimed, result: Result) -> None:
        with self._lock:
            self._sent += result.sent
            self._retried += result.again_after_s is not None
            self._failed += not result.sent and result.again_after_s is None
        if not result.sent:
            _log.warning(
                "a page did not go out",
                page_id=claimed.page.page_id,
                channel=claimed.channel,
                attempt=claimed.attempt,
                again_after_s=result.again_after_s,
                error=result.error,
            )
        with self._database.transaction() as conn:
            record(conn, claimed, result, now=self._clock.now(), settings=self._settings)


class EscalationClock:
    """Fires due timers every 0.25 s, from a thread of its own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        *,
        on_bug: Callable[[BaseException], None] = _end_process,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._on_bug = on_bug
        self._stop = threading.Event()
        self._fired = 0
        self._ticked_s = clock.monotonic_s()
        self._thread = threading.Thread(target=self._run, name="escalation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def figures(self) -> dict[str, Any]:
        """Return `timers_fired` since the start and `since_tick_s`, the age of the last tick."""
        return {
            "timers_fired": self._fired,
            "since_tick_s": round(self._clock.monotonic_s() - self._ticked_s, 3),
            "running": self._thread.is_alive(),
        }

    def tick(self) -> int:
        """Fire what is due now in this thread; return how many timers fired."""
        before = self._fired
        while not self._stop.is_set():
            with self._database.transaction() as conn:
                fired = fire_due(conn, now=self._clock.now(), settings=self._settings)
            self._fired += fired
            self._ticked_s = self._clock.monotonic_s()
            if not fired:
                break
        return self._fired - before

    def _run(self) -> None:
        while not self._stop.is_set():  # at once: one that died may have left what is overdue
            try:
                self.tick()
            except DatabaseAway as error:
                _log.warning("timers wait for the database", error=str(error))
            except BaseException as error:
                self._on_bug(error)
                raise
            self._stop.wait(TICK_S)
