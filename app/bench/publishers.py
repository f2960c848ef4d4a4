"""Processes that publish: started, told to go, and asked what they sent and heard."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Self

import msgspec

from core.errors import TemporaryError
from simulators.generator import Account, Load, Who

_READY_WITHIN_S = 60.0


class Publishers:
    """`processes` generators that share devices, events and rate evenly.

    Used in a `with`: they are connected when it begins, and end when it ends.
    """

    def __init__(
        self,
        devices: Sequence[Who],
        brokers: list[tuple[str, int]],
        *,
        processes: int,
        events: int | None,
        rate: float | None,
        ack_every: int,
        patience_s: float,
    ) -> None:
        self._loads = [
            Load(
                devices=list(devices[number::processes]),
                brokers=brokers,
                events=None if events is None else _share(events, number, processes),
                rate=None if rate is None else rate / processes,
                ack_every=ack_every,
                patience_s=patience_s,
            )
            for number in range(processes)
        ]
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        for load in self._loads:
            child = subprocess.Popen(
                [sys.executable, "-m", "simulators.load"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # its processor time is not taken from our watching
            )
            self._children.append(child)
            self._tell(child, msgspec.json.encode(load))
        late = threading.Timer(_READY_WITHIN_S, self._end)
        late.start()
        try:
            ready = [child.stdout and child.stdout.readline() for child in self._children]
        finally:
            late.cancel()
        if any(line != b"ready\n" for line in ready):
            self._end()
            raise TemporaryError("the publishers could not connect to the broker")
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        for child in self._children:
            with child:  # closes its pipes, and waits
                child.kill()

    @staticmethod
    def _tell(child: subprocess.Popen[bytes], line: bytes) -> None:
        if child.stdin is not None:
            child.stdin.write(line + b"\n")
            child.stdin.flush()

    def go(self) -> None:
        """Let them begin."""
        for child in self._children:
            self._tell(child, b"go")

    def stop(self) -> None:
        """Let them make no more events; what is owed they still deliver."""
        for child in self._children:
            self._tell(child, b"stop")

    def account(self) -> Account:
        """Wait until all is answered, or patience is over; return the sum of their accounts.

        Raises `TemporaryError` when one of them died.
        """
        found = Account()
        for child in self._children:
            lines = child.stdout.read().splitlines() if child.stdout else []
            if child.wait() != 0 or not lines:
                raise TemporaryError("a publisher died; its message stands above")
            add(found, msgspec.json.decode(lines[-1], type=Account))
        return found


def _share(total: int, number: int, of: int) -> int:
    return total // of + (number < total % of)


def add(total: Account, one: Account) -> None:
    """Add the account of one process to that of all."""
    total.sent.update(one.sent)
    total.answers += one.answers
    total.began_s = min(total.began_s or one.began_s, one.began_s)
    total.ended_s = max(total.ended_s, one.ended_s)
    total.unanswered += one.unanswered
    total.rejected += one.rejected
    total.resent += one.resent
    total.connects += one.connects
    total.pubacks += one.pubacks
    total.cpu_s += one.cpu_s
