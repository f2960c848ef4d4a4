"""Supervision of real child processes: restart with back-off, tagged lines, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.supervisor import LONGEST_BACKOFF_S, Program, Supervisor, backoff_s


class Lines:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def take(self, name: str, line: str) -> None:
        with self._changed:
            self.seen.append((name, line))
            self._changed.notify_all()

    def wait(self, text: str, n: int = 1, timeout_s: float = 20.0) -> None:
        with self._changed:
            came = self._changed.wait_for(
                lambda: sum(text in line for _, line in self.seen) >= n, timeout_s
            )
        assert came, self.seen


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def supervisor(lines: Lines) -> Iterator[Supervisor]:
    made = Supervisor(SystemClock(), lines.take)
    yield made
    made.stop()


def python(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-u", "-c", textwrap.dedent(code)])


def test_back_off_doubles_up_to_a_limit() -> None:
    assert [backoff_s(n) for n in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert backoff_s(50) == LONGEST_BACKOFF_S


def test_a_killed_child_is_started_again(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.add(python("child", "print('hello'); import time; time.sleep(60)"))
    lines.wait("hello")
    first = supervisor.pid("child")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    lines.wait("hello", n=2)
    assert supervisor.pid("child") != first
    assert supervisor.failures("child") == 1
    assert any("ended with status -9" in line for _, line in lines.seen)


def test_stop_ends_children_in_stages(lines: Lines) -> None:
    supervisor = Supervisor(SystemClock(), lines.take)
    code = """
        import signal, sys, time
        def end(*_):
            print("bye from", sys.argv[1]); sys.exit(0)
        signal.signal(signal.SIGTERM, end); print("up", sys.argv[1])
        while True: time.sleep(1)
    """
    for stage, name in ((1, "database"), (0, "worker")):
        program = Program(
            name,
            [sys.executable, "-u", "-c", textwrap.dedent(code), name],
            stop_stage=stage,
        )
        supervisor.add(program)
        lines.wait(f"up {name}")
    supervisor.stop()
    said = [line for _, line in lines.seen if line.startswith("bye")]
    assert said == ["bye from worker", "bye from database"]


def test_children_do_not_outlive_a_killed_supervisor() -> None:
    code = """
        import sys, time
        from core.clock import SystemClock
        from core.supervisor import Program, Supervisor
        s = Supervisor(SystemClock(), lambda n, l: print(l, flush=True))
        s.add(Program("c", [sys.executable, "-u", "-c",
              "import os, time; print(os.getpid()); time.sleep(60)"]))
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    # the child holds the pipe's other end: end of file means that it is gone
    assert parent.stdout.read() == ""
    parent.stdout.close()
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(child, 0)
            threading.Event().wait(0.05)


def test_a_killed_guard_is_replaced_and_children_still_restart(
    supervisor: Supervisor, lines: Lines
) -> None:
    supervisor.add(python("child", "print('hello'); import time; time.sleep(60)"))
    lines.wait("hello")
    supervisor._guard.kill()
    supervisor._guard.wait()
    child = supervisor.pid("child")
    assert child is not None
    os.kill(child, signal.SIGKILL)
    lines.wait("starting another")
    lines.wait("hello", n=2)


def test_a_program_that_is_missing_hinders_nobody(
    supervisor: Supervisor, lines: Lines, tmp_path: Path
) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexit 3\n")
    tool.chmod(0o755)
    supervisor.add(Program("tool", [str(tool)]))
    supervisor.add(python("child", "print('hello'); import time; time.sleep(60)"))
    lines.wait("hello")
    tool.unlink()
    lines.wait("could not start")
    child = supervisor.pid("child")
    assert child is not None
    os.kill(child, signal.SIGKILL)
    lines.wait("hello", n=2)


def test_a_child_that_stands_still_is_killed_and_started_again(
    supervisor: Supervisor, lines: Lines
) -> None:
    code = """
        import time
        from core import heartbeat
        heartbeat.start()
        print("up")
        time.sleep(60)
    """
    supervisor.add(replace(python("child", code), silent_after_s=2.0))
    lines.wait("up")
    first = supervisor.pid("child")
    assert first is not None
    threading.Event().wait(3.0)
    assert supervisor.pid("child") == first, "it beats"
    os.kill(first, signal.SIGSTOP)
    lines.wait("said nothing for 2 s")
    lines.wait("up", 2)
    assert supervisor.pid("child") != first


def test_a_removed_child_is_killed_and_stays_away(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.add(python("child", "print('up'); import time; time.sleep(60)"))
    lines.wait("up")
    pid = supervisor.pid("child")
    assert pid is not None
    supervisor.remove("child")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    threading.Event().wait(1.0)
    assert [line for _, line in lines.seen if "starting again" in line] == []
