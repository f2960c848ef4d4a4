"""One fleet in as many processes as its load needs; one account of all."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing.synchronize import Event

from simulators.connection import Credentials
from simulators.fleet import Fleet, Report

Members = list[tuple[str, Credentials]]

_CONTEXT = multiprocessing.get_context("spawn")
_stopping: list[Event] = []  # in a child: what its parent sets, one after the other, to end it


class Fleets:
    """Like `Fleet`, with the devices dealt out to `processes`; with one, in this process.

    Raises `ConfigurationError` for an unknown scenario.
    """

    def __init__(
        self, credentials: Members, scenario: str, seed: int, *, processes: int = 1
    ) -> None:
        self._members = credentials
        self._scenario = scenario
        self._seed = seed
        self._processes = processes
        self._alone = Fleet(credentials, scenario, seed)
        self._stops = (_CONTEXT.Event(), _CONTEXT.Event())

    def stop(self) -> None:
        """End the run early, as `Fleet.stop` does; from any thread, or a signal handler."""
        self._alone.stop()
        first, second = self._stops
        (second if first.is_set() else first).set()

    def run(self, duration_s: float, speed: float, *, drain_s: float) -> Report:
        """Play once, as `Fleet.run` does, and return the account of all devices."""
        if self._processes == 1:
            return self._alone.run(duration_s, speed, drain_s=drain_s)
        with ProcessPoolExecutor(
            self._processes,
            mp_context=_CONTEXT,
            initializer=_begin,
            initargs=self._stops,
        ) as pool:
            # a home's devices stand side by side: deal them out evenly by kind
            running = [
                pool.submit(_play, part, self._scenario, self._seed, duration_s, speed, drain_s)
                for part in _dealt(self._members, self._processes)
            ]
            return total([one.result() for one in running])


def _dealt(members: Members, processes: int) -> list[Members]:
    ordered = sorted(members, key=lambda member: member[0])
    return [part for n in range(processes) if (part := ordered[n::processes])]


def _begin(*stops: Event) -> None:
    """In a child: the terminal's Ctrl-C is the parent's to hear."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _stopping.extend(stops)


def _play(
    members: Members, scenario: str, seed: int, duration_s: float, speed: float, drain_s: float
) -> Report:
    fleet = Fleet(members, scenario, seed)

    def listen() -> None:
        for stop in _stopping:
            stop.wait()
            fleet.stop()

    threading.Thread(target=listen, daemon=True).start()
    return fleet.run(duration_s, speed, drain_s=drain_s)


def total(reports: Sequence[Report]) -> Report:
    """Return the sum of accounts of different devices."""
    sums = {}
    for field in fields(Report):
        values = [getattr(report, field.name) for report in reports]
        if isinstance(values[0], int):
            sums[field.name] = sum(values)
        elif field.name in {"by_type", "reasons"}:
            counts: Counter[str] = Counter()
            for value in values:
                counts.update(value)
            sums[field.name] = dict(sorted(counts.items()))
        else:
            sums[field.name] = {device: seqs for value in values for device, seqs in value.items()}
    return Report(**sums)
