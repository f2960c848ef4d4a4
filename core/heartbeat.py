"""A process tells its supervisor that it lives: a byte a second on a pipe, from its own thread.

One that is stopped, swaps itself to death or holds the interpreter's lock for ever says nothing,
and is killed and started again (`core.supervisor`).
"""

from __future__ import annotations

import os
import threading

VARIABLE = "DOORGUARD_HEARTBEAT_FD"
EVERY_S = 1.0


def start() -> None:
    """Begin to beat where a supervisor listens; ends with the process."""
    named = os.environ.pop(VARIABLE, None)
    if named is not None:
        fd = int(named)
        os.set_inheritable(fd, False)
        os.set_blocking(fd, False)
        threading.Thread(target=_beat, args=(fd,), name="heartbeat", daemon=True).start()


def _beat(fd: int) -> None:
    pause = threading.Event()
    while True:
        try:
            os.write(fd, b".")
        except BlockingIOError:  # the supervisor stands still; the pipe is full of our beats
            pass
        except BrokenPipeError:  # it is gone, and its guard ends us
            return
        pause.wait(EVERY_S)
