"""What the kernel says of a process, read from outside it (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from core.errors import ConfigurationError

_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # fields 14 and 15 of /proc/PID/stat, counted behind the name's bracket
_MIB = 1024  # KiB


def check() -> None:
    """Raise `ConfigurationError` where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        raise ConfigurationError("the bench reads CPU and memory from /proc: it needs Linux")


def cpu_s(pids: Iterable[int]) -> float:
    """Return user and system seconds of the processes so far; one that is gone counts nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        words = fields.split()
        ticks += int(words[_UTIME]) + int(words[_STIME])
    return ticks / _TICKS_A_S


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Return resident memory now (`VmRSS`) or its peak (`VmHWM`); 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line for line in lines if line.startswith(f"{field}:")]
    return int(found[0].split()[1]) / _MIB if found else 0.0


def machine() -> str:
    """Return cores, processor and kernel in a few words."""
    cores = len(os.sched_getaffinity(0))
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    system = os.uname()
    return f"{cores} cores, {(models or [system.machine])[0]}, {system.sysname} {system.release}"
