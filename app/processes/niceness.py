"""Who may wait does: a process of ours lets others run first (docs/adr/0016)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def step_behind(by: int) -> None:
    """Let others run first, `by` steps of the scheduler's niceness: alarms, and what they need.

    Linux weighs sessions against each other before the processes in them (sched(7), autogroup), and
    each of ours is a session of its own: so the session steps behind as well. What is further
    behind already stays there.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < by:
        os.setpriority(os.PRIO_PROCESS, 0, by)
    group = Path("/proc/self/autogroup")
    with suppress(OSError):  # another kernel, or a container's own group
        if int(group.read_text(encoding="ascii").split()[-1]) < by:
            group.write_text(str(by), encoding="ascii")
