"""The ingest processes under measurement: the real `doorguard run ingest`, as many as wanted."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Self

from app.bench.testbed import Testbed
from core import liveness
from core.clock import SystemClock
from core.errors import ConfigurationError, TemporaryError
from core.supervisor import Program, Supervisor
from core.topics import PARTITIONS

_READY_WITHIN_S = 60.0
_POLL_S = 0.05
_GIVE_UP_AFTER = 3  # ends in a row
_BACKOFF_S = 2.0


class Workers:
    """Supervised like in production: one that is killed is started again.

    Used in a `with`: they are connected to the broker when it begins.
    """

    def __init__(self, bed: Testbed, *, count: int, receive: str) -> None:
        self._bed = bed
        self._receive = receive
        self._clock = SystemClock()
        self.names = ["ingest", *(f"ingest-{number}" for number in range(2, count + 1))]

    def __enter__(self) -> Self:
        self._supervisor = Supervisor(self._clock, self._bed.tell)
        try:
            for name in self.names:
                self._supervisor.add(self._program(name))
            self._wait_ready()
        except BaseException:
            self._supervisor.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._supervisor.stop()

    def _program(self, name: str) -> Program:
        own = {
            "DOORGUARD_INSTANCE": name,
            "DOORGUARD_RECEIVE": self._receive,
            "PYTHONUNBUFFERED": "1",
        }
        return Program(
            name=name,
            argv=[sys.executable, "-m", "app.processes", "ingest"],
            env={**self._bed.services.environment(), **own},
            longest_backoff_s=_BACKOFF_S,
        )

    @property
    def pids(self) -> list[int]:
        """Return the process ids of those that run."""
        found = [self._supervisor.pid(name) for name in self.names]
        return [pid for pid in found if pid is not None]

    def kill(self, number: int) -> int | None:
        """Kill one without a word; return its process id, None when it was not running."""
        pid = self._supervisor.pid(self.names[number])
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        return pid

    def ready(self) -> bool:
        """Say whether every worker runs, hears the broker, and all have all partitions shared."""
        pids = self.pids
        with self._bed.connect() as conn:
            told = {
                beat["pid"]: beat["figures"]
                for beat in liveness.beats(conn)
                if beat["pid"] in pids and beat["figures"].get("connected")
            }
        shared = sum(figures["partitions"] for figures in told.values())
        known = all(figures["workers"] == len(self.names) for figures in told.values())
        return len(told) == len(self.names) and known and shared == PARTITIONS

    def _wait_ready(self) -> None:
        end_s = self._clock.monotonic_s() + _READY_WITHIN_S
        while not self.ready():
            if any(self._supervisor.failures(name) >= _GIVE_UP_AFTER for name in self.names):
                raise ConfigurationError("\n".join(["ingest does not start:", *self._bed.log]))
            if self._clock.monotonic_s() > end_s:
                raise TemporaryError("the ingest workers did not come up within a minute")
            threading.Event().wait(_POLL_S)
