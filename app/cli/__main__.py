"""`python -m app.cli`, which is how a supervisor starts a process with its own Python."""

from app.cli.main import main

main()
