"""What is tried with the database first, and decided without it where that takes too long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import TypeVar

from app.processes.cut_off import DECIDE_S
from core.errors import DatabaseAway
from core.telemetry import logger

_AT_ONCE = 16  # that may hang in a database; those behind them are decided without it
_log = logger(__name__)
_T = TypeVar("_T")


class InTime:
    """Decides after `decide_s`, from any thread."""

    def __init__(self, decide_s: float = DECIDE_S) -> None:
        self._decide_s = decide_s
        self._trying = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="in-time")

    def stop(self) -> None:
        self._trying.shutdown(wait=False, cancel_futures=True)

    def decide(self, work: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
        """Return what `work` does with the database, or what is done where that is away.

        Work that hangs goes on, and may still be done: everything here may happen twice.
        """
        trying = self._trying.submit(work)
        try:
            return trying.result(self._decide_s)
        except (NotInTime, DatabaseAway) as error:
            trying.cancel()
            _log.warning("without the database", error=str(error) or "not in time")
            return otherwise()
