"""The four processes, each wired here from its rooms and run until a signal."""
