"""Ends a supervisor's children when the supervisor itself is gone, however it went.

Run as a script with a pipe on standard input. Lines `+PID SIGNAL` and `-PID` keep the list of
children; the end of the pipe means that the supervisor died (a clean one removes its children
first). Every child left is sent its signal, and SIGKILL 10 s later. Standard library only, so
that it starts at once and weighs little.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

_GRACE_S = 10.0


def _signal(pid: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False


def main() -> None:
    """Follow the pipe to its end, then stop what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children: dict[int, int] = {}
    for line in sys.stdin:
        word = line.split()
        pid = int(word[0][1:])
        if word[0][0] == "+":
            children[pid] = int(word[1])
        else:
            children.pop(pid, None)
    left = [pid for pid, number in children.items() if _signal(pid, number)]
    deadline = time.monotonic() + _GRACE_S
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [pid for pid in left if _signal(pid, 0)]
    for pid in left:
        _signal(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
