"""Each process says every few seconds that it lives, and its figures, for `doorguard status`."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from psycopg.types.json import Jsonb

from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import DatabaseAway
from core.reports import Reject, Report
from core.telemetry import logger

BEAT_EVERY_S = 2.0
SILENT_AFTER_S = 10.0  # five missed beats
_FORGET_AFTER = timedelta(hours=1)
_QUERIES = sql.load("core")
_log = logger(__name__)


class Reporter:
    """Makes the reports of one process. `figures` must be quick and safe from another thread.

    `instance` tells processes of one kind on one host apart.
    """

    def __init__(
        self,
        clock: Clock,
        process: str,
        figures: Callable[[], dict[str, Any]] = dict,
        *,
        instance: str = "",
    ) -> None:
        self._clock = clock
        self._process = process
        self._figures = figures
        host = socket.gethostname()
        self._instance = f"{host}/{instance}" if instance else host
        self._started_at = clock.now()

    def report(
        self,
        rejects: list[Reject] | None = None,
        rejects_not_kept: dict[str, int] | None = None,
    ) -> Report:
        """Return the beat of this moment."""
        return Report(
            process=self._process,
            instance=self._instance,
            pid=os.getpid(),
            version=version("doorguard"),
            started_at=self._started_at,
            beat_at=self._clock.now(),
            figures=self._figures(),
            rejects=rejects or [],
            rejects_not_kept=rejects_not_kept or {},
        )


class Beat:
    """Writes one process's beat from a thread of its own; its figures tell of a stuck worker."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        process: str,
        figures: Callable[[], dict[str, Any]] = dict,
        *,
        instance: str = "",
    ) -> None:
        self._database = database
        self._reporter = Reporter(clock, process, figures, instance=instance)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"beat-{process}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=3.0)

    def _run(self) -> None:
        while True:
            try:
                with self._database.transaction() as conn:
                    write(conn, self._reporter.report())
            except DatabaseAway as error:
                _log.warning("no beat written", error=str(error))
            if self._stop.wait(BEAT_EVERY_S):
                return


def write(conn: Connection, report: Report) -> None:
    """Write a process's beat, its own or one that came over MQTT."""
    conn.execute(
        _QUERIES["beat"],
        {
            "process": report.process,
            "instance": report.instance,
            "pid": report.pid,
            "version": report.version,
            "started_at": report.started_at,
            "beat_at": report.beat_at,
            "figures": Jsonb(report.figures),
        },
    )
    conn.execute(_QUERIES["forget_old_beats"], {"before": report.beat_at - _FORGET_AFTER})


def forget(conn: Connection, processes: Sequence[str]) -> None:
    """These are not meant to run any more: their silence is none."""
    conn.execute(_QUERIES["forget_processes"], {"processes": list(processes)})


def beats(conn: Connection) -> list[dict[str, Any]]:
    """Return the last beat of every process instance heard in the last hour."""
    return conn.execute(_QUERIES["beats"]).fetchall()
