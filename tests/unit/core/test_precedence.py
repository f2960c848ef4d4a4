"""Alarms go first where we may say so, and only those whom we mean; who may wait steps behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from core.precedence import connection_ahead, step_ahead

GROUP = Path("/proc/self/autogroup")
REAL_TIME = """
import os, threading
from core.precedence import step_ahead, step_back
stepped = step_ahead(alone={alone})
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start(); thread.join()
own = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
step_back()
print(int(stepped), own, found[0], os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
"""


def _stepped(*, alone: bool) -> tuple[bool, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", REAL_TIME.format(alone=alone)],
        capture_output=True,
        text=True,
        check=True,
    )
    stepped, own, started, back = map(int, done.stdout.split())
    assert back == os.SCHED_OTHER
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


@pytest.mark.skipif(not GROUP.exists(), reason="this kernel has no autogroup")
def test_process_and_session_step_behind() -> None:
    by = os.getpriority(os.PRIO_PROCESS, 0) + 5  # whatever we run at
    code = (
        f"import os; from core.precedence import step_behind; step_behind({by}); "
        "print(os.getpriority(os.PRIO_PROCESS, 0), open('/proc/self/autogroup').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    own, group = done.stdout.split(maxsplit=1)
    assert int(own) == by
    assert group.strip().endswith(f"nice {by}")
