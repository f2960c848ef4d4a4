"""`python -m app.processes NAME`: one process, settings from the environment, and nothing else.

What the supervisor starts. The command line loads every command first; a process that follows one
that died has no time for it.
"""

from __future__ import annotations

import sys

from app.processes.running import serve
from core.settings import load

if __name__ == "__main__":
    serve(sys.argv[1], load())
