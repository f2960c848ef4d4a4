"""A thread that does one thing again and again, sooner when the database hints at work."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from core.database import Connection, Database
from core.errors import TemporaryError
from core.telemetry import logger

_log = logger(__name__)


class Periodic:
    """Calls `work` every `every_s`, and at once on a NOTIFY of `channel` where one is named.

    A `TemporaryError` is logged and tried again; any other error is a bug and ends the thread's
    process through `threading.excepthook` as installed by the process.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        work: Callable[[Connection], None],
        *,
        every_s: float,
        channel: str | None = None,
    ) -> None:
        self._name = name
        self._database = database
        self._work = work
        self._every_s = every_s
        self._channel = channel
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (TemporaryError, psycopg.OperationalError) as error:
                if self._stop.is_set():
                    return
                _log.warning("waiting", work=self._name, error=str(error))
                self._stop.wait(1.0)

    def _follow(self) -> None:
        if self._channel is None:
            while not self._stop.is_set():
                with self._database.transaction() as conn:
                    self._work(conn)
                self._stop.wait(self._every_s)
            return
        with self._database.listener() as listener:
            listener.execute(
                psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel))
            )
            while not self._stop.is_set():
                with self._database.transaction() as conn:
                    self._work(conn)
                list(listener.notifies(timeout=self._every_s, stop_after=1))
