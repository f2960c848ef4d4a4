"""A process that steps behind does so for its session, too: Linux weighs those first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GROUP = Path("/proc/self/autogroup")


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
