"""The command line: `doorguard …`."""

from app.cli.main import main

__all__ = ["main"]
