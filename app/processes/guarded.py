"""A thread that does one thing again and again, and takes its process with it when it has a bug."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from core.errors import TemporaryError
from core.telemetry import logger

_LONGEST_WAIT_S = 1.0
_log = logger(__name__)


class Guarded:
    """Calls `work` every `every_s`; a `TemporaryError` is logged, and tried again within 1 s."""

    def __init__(self, name: str, work: Callable[[], None], every_s: float) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            wait_s = self._every_s
            try:
                self._work()
            except TemporaryError as error:
                _log.warning("waiting", work=self._name, error=str(error))
                wait_s = min(error.delay_s, _LONGEST_WAIT_S)
            except BaseException as error:
                _log.critical("stopped by a bug", work=self._name, exc_info=error)
                os.kill(os.getpid(), signal.SIGTERM)
                raise
            self._stop.wait(wait_s)
