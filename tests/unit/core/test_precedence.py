"""Alarms go first where we may say so, and only those whom we mean."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import psycopg
import pytest

from core.precedence import connection_ahead, step_ahead

REAL_TIME = """
import os, threading
from core.precedence import step_ahead
stepped = step_ahead(alone={alone})
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start(); thread.join()
print(int(stepped), os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, found[0])
"""


def _stepped(*, alone: bool) -> tuple[bool, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", REAL_TIME.format(alone=alone)],
        capture_output=True,
        text=True,
        check=True,
    )
    stepped, own, started = map(int, done.stdout.split())
    return bool(stepped), own, started


@pytest.mark.skipif(not hasattr(os, "SCHED_RR"), reason="not Linux")
@pytest.mark.parametrize("alone", [True, False])
def test_thread_goes_first_alone_or_with_those_it_starts(alone: bool) -> None:
    stepped, own, started = _stepped(alone=alone)
    if not stepped:  # no right to: all stays as it was
        assert (own, started) == (os.SCHED_OTHER, os.SCHED_OTHER)
    else:
        assert own == os.SCHED_RR
        assert started == (os.SCHED_OTHER if alone else os.SCHED_RR)


@pytest.mark.skipif(not hasattr(os, "SCHED_RR"), reason="not Linux")
def test_without_the_right_it_goes_on_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert not step_ahead(alone=True)


def test_a_stranger_with_the_number_of_our_server_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placed: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda pid, *_: placed.append(pid), raising=False)

    class Info:
        backend_pid = os.getpid()  # of a database elsewhere: here it is somebody else's

    class Elsewhere:
        info = Info()

        def fileno(self) -> int:
            raise AssertionError("a stranger's connection need not be asked")

    conn: psycopg.Connection[tuple[object, ...]] = Elsewhere()  # type: ignore[assignment]
    assert not connection_ahead(conn)
    assert placed == []
    assert threading.main_thread().is_alive()
