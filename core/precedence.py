"""Who goes first where the processor is short: alarms do, who may wait steps behind
(docs/adr/0028).
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

_FIRST = 1  # the lowest of the real-time priorities: before all that is ordinary, behind the kernel
_PROC = Path("/proc")
# as PostgreSQL titles the process of a connection over TCP: the address and port of its client
_SERVES = re.compile(r"postgres: .*\((?P<port>\d+)\)")


def step_ahead(*, alone: bool) -> bool:
    """Let the calling thread run before all ordinary ones, and what it starts later as well, or
    it `alone`. Whether it does: it needs the right to (`ulimit -r 1`, or root).

    The kernel keeps 5 % of each processor for the others (sched(7)), should it never rest.
    """
    return thread_ahead(0, alone=alone)


def step_back() -> None:
    """Let the calling thread take its turn with the others again."""
    if hasattr(os, "sched_setscheduler"):
        alone = os.sched_getscheduler(0) & os.SCHED_RESET_ON_FORK  # without rights it stays so
        os.sched_setscheduler(0, os.SCHED_OTHER | alone, os.sched_param(0))


def connection_ahead(conn: psycopg.Connection[Any]) -> bool:
    """Let the database's process of this connection run first. Whether it does: it must be one of
    this machine, reached over TCP, and ours to place.
    """
    pid = conn.info.backend_pid
    return _serves(pid, conn) and thread_ahead(pid, alone=True)


def step_behind(by: int) -> None:
    """Let others run first, `by` steps of the scheduler's niceness: alarms, and what they need.

    Linux weighs sessions against each other before the processes in them (sched(7), autogroup), and
    each of ours is a session of its own: so the session steps behind as well. What is further
    behind already stays there.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < by:
        os.setpriority(os.PRIO_PROCESS, 0, by)
    group = _PROC / "self/autogroup"
    with suppress(OSError):  # another kernel, or a container's own group
        if int(group.read_text(encoding="ascii").split()[-1]) < by:
            group.write_text(str(by), encoding="ascii")


def thread_ahead(task: int, *, alone: bool) -> bool:
    """Let another thread or process run first, by its native id; otherwise as `step_ahead`."""
    if not hasattr(os, "sched_setscheduler"):  # not Linux
        return False
    policy = os.SCHED_RR | (os.SCHED_RESET_ON_FORK if alone else 0)
    try:
        os.sched_setscheduler(task, policy, os.sched_param(_FIRST))
    except OSError:  # no right to, or it has just ended: it goes on as it is
        return False
    return True


def _serves(pid: int, conn: psycopg.Connection[Any]) -> bool:
    """Whether `pid` is a server process of this machine, and the one at our connection's end: from
    afar comes a number that may be anybody's here.
    """
    try:
        title = (_PROC / str(pid) / "cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    serves = _SERVES.match(title)
    return serves is not None and int(serves["port"]) == _own_port(conn.fileno())


def _own_port(descriptor: int) -> int | None:
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        return int(ours.getsockname()[1]) if ours.family != socket.AF_UNIX else None
