"""Supervision of child processes: restarted with back-off, logs line-tagged, stopped together.

Children never outlive the supervisor: a guard process (`core.guard`) holds the other end of a
pipe and ends them when it breaks, also after `kill -9`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core import guard, heartbeat
from core.clock import Clock

THREAD = "supervisor"  # which starts the programs
FIRST_BACKOFF_S = 0.1  # what dies once is missed now; what keeps dying waits
LONGEST_BACKOFF_S = 30.0
_BEATS = 4096
_STOOD_STILL_S = 5.0
SETTLED_AFTER_S = 60.0  # up that long, a child's next failure counts as its first


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to end it. `user` and `group` are numeric ids to drop to, or None."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    stop_signal: int = signal.SIGTERM
    stop_stage: int = 0  # stage 0 ends first, all of it together; then 1, and so on
    longest_backoff_s: float = LONGEST_BACKOFF_S
    user: int | None = None
    group: int | None = None
    # Killed when it has begun to beat (`core.heartbeat`) and then says nothing for so long.
    silent_after_s: float | None = None


def backoff_s(failures: int) -> float:
    """Return the wait before start number `failures` + 1 of a child that keeps failing."""
    return min(FIRST_BACKOFF_S * 2.0 ** max(0, failures - 1), LONGEST_BACKOFF_S)


class _Child:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.failures = 0
        self.due_s = 0.0
        self.relay: threading.Thread | None = None
        self.heart: int | None = None  # our end of the pipe on which it beats
        self.beat_s: float | None = None

    def listen(self, now_s: float) -> None:
        """Take the beats that came."""
        if self.heart is not None:
            with contextlib.suppress(BlockingIOError):
                if os.read(self.heart, _BEATS):
                    self.beat_s = now_s

    def hang_up(self) -> None:
        if self.heart is not None:
            os.close(self.heart)
        self.heart = self.beat_s = None


class Supervisor:
    """Runs programs until `stop`. Each line they print is handed to `on_line(name, line)`.

    `add` starts a program at once; `stop` ends them stage by stage, so that the database goes
    last. Safe from several threads.
    """

    def __init__(self, clock: Clock, on_line: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._on_line = on_line
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._guard = self._start_guard()
        self._watch = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._watch.start()

    @staticmethod
    def _start_guard() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guard.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_guard(self, line: str) -> None:
        try:
            self._write_guard(line)
        except BrokenPipeError:  # somebody killed it: a new one learns of all who run
            self._on_line("guard", "ended; starting another")
            self._guard.wait()
            if self._guard.stdin:
                with contextlib.suppress(BrokenPipeError):
                    self._guard.stdin.close()
            self._guard = self._start_guard()
            for child in self._children.values():
                if child.process:
                    number = int(child.program.stop_signal)
                    self._write_guard(f"+{child.process.pid} {number}")

    def _write_guard(self, line: str) -> None:
        pipe = self._guard.stdin
        if pipe is None:
            raise AssertionError("the guard has no pipe")
        pipe.write(line.encode() + b"\n")
        pipe.flush()

    def add(self, program: Program) -> None:
        """Start `program` and keep it running."""
        with self._lock:
            child = _Child(program)
            self._children[program.name] = child
            self._spawn(child)

    def pid(self, name: str) -> int | None:
        """Return the process id of a running program, None for one that is down or removed."""
        with self._lock:
            child = self._children.get(name)
            return child.process.pid if child and child.process else None

    def remove(self, name: str) -> None:
        """Kill a program, and do not start it again."""
        with self._lock:
            child = self._children.pop(name)
            child.hang_up()
            if child.process is not None:
                child.process.kill()
                child.process.wait()
                self._tell_guard(f"-{child.process.pid}")

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a running program."""
        with self._lock:
            process = self._children[name].process
            if process:
                process.send_signal(number)

    def failures(self, name: str) -> int:
        """Return how often a program has ended in a row without settling."""
        with self._lock:
            return self._children[name].failures

    def _spawn(self, child: _Child) -> None:
        program = child.program
        child.hang_up()
        theirs: list[int] = []
        env = {**os.environ, **program.env}
        if program.silent_after_s is not None:
            child.heart, end = os.pipe()
            os.set_blocking(child.heart, False)
            theirs.append(end)
            env[heartbeat.VARIABLE] = str(end)
        try:
            process = self._popen(program, env, theirs)
        finally:
            for end in theirs:
                os.close(end)
        self._tell_guard(f"+{process.pid} {int(program.stop_signal)}")
        child.process = process
        child.started_s = self._clock.monotonic_s()
        if process.stdout is None:
            raise AssertionError("a child without a pipe")
        child.relay = threading.Thread(
            target=self._relay, args=(program.name, process.stdout), daemon=True
        )
        child.relay.start()

    @staticmethod
    def _popen(
        program: Program, env: Mapping[str, str], fds: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(program.argv),
            env=env,
            pass_fds=fds,
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone
            user=program.user,
            group=program.group,
            extra_groups=[] if program.user is not None else None,
        )

    def _relay(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._on_line(name, line.decode("utf-8", "replace").rstrip("\n"))

    def _run(self) -> None:
        looked_s = self._clock.monotonic_s()
        while not self._stopping.is_set():
            self._wake.wait(0.1)
            with self._lock:
                if self._stopping.is_set():
                    return
                now_s = self._clock.monotonic_s()
                if now_s - looked_s > _STOOD_STILL_S:  # we did: what they said meanwhile is late
                    for child in self._children.values():
                        child.beat_s = None
                looked_s = now_s
                for child in self._children.values():
                    self._look_after(child, now_s)

    def _look_after(self, child: _Child, now_s: float) -> None:
        process = child.process
        if process is None:
            if now_s >= child.due_s:
                try:
                    self._spawn(child)
                except OSError as error:  # no memory, no such file: the others must go on
                    self._failed(child, now_s, f"could not start: {error}")
            return
        if process.poll() is None:
            child.listen(now_s)
            limit_s = child.program.silent_after_s
            if limit_s is not None and child.beat_s is not None and now_s - child.beat_s > limit_s:
                self._on_line(child.program.name, f"said nothing for {limit_s:g} s; killed")
                process.kill()
                child.beat_s = None
            return
        self._tell_guard(f"-{process.pid}")
        child.process = None
        if now_s - child.started_s > SETTLED_AFTER_S:
            child.failures = 0
        self._failed(child, now_s, f"ended with status {process.returncode}")

    def _failed(self, child: _Child, now_s: float, what: str) -> None:
        child.failures += 1
        wait_s = min(backoff_s(child.failures), child.program.longest_backoff_s)
        child.due_s = now_s + wait_s
        self._on_line(child.program.name, f"{what}; starting again in {wait_s:g} s")

    def stop(self, timeout_s: float = 8.0) -> None:
        """End every program, stage by stage; SIGKILL for what is left at the limit."""
        with self._lock:
            self._stopping.set()
            children = [child for child in self._children.values() if child.process]
        self._wake.set()
        end_s = self._clock.monotonic_s() + timeout_s
        stages = sorted({child.program.stop_stage for child in children})
        for later, stage in zip(range(len(stages) - 1, -1, -1), stages, strict=True):
            # one that hangs must not use up the time of those who end after it
            deadline = end_s - later * timeout_s / 4
            self._end([c for c in children if c.program.stop_stage == stage], deadline)
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it was killed, and nobody was left to tell
                self._guard.stdin.close()
        self._guard.wait()
        self._watch.join()
        for child in self._children.values():
            child.hang_up()

    def _end(self, children: list[_Child], deadline: float) -> None:
        for child in children:
            if child.process and child.process.poll() is None:
                child.process.send_signal(child.program.stop_signal)
        for child in children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - self._clock.monotonic_s()))
            except subprocess.TimeoutExpired:
                self._on_line(child.program.name, "did not end in time; killed")
                child.process.kill()
                child.process.wait()
            self._tell_guard(f"-{child.process.pid}")
            if child.relay:
                child.relay.join(timeout=1.0)
