"""The `doorguard` program."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import (
    audit,
    bench,
    db,
    demo,
    evidence,
    figures,
    incident,
    registry,
    roster,
    rules,
    running,
    simulate,
    users,
    watch,
)
from app.cli.command import command
from core.telemetry import configure_logging

_USAGE = 2  # exit status of a command line that does not fit
_HELP = "Door cameras and SOS buttons to a paged responder."
cli = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print local variables, secrets among them
)
cli.add_typer(registry.household, name="household")
cli.add_typer(registry.device, name="device")
cli.add_typer(registry.responder, name="responder")
cli.add_typer(users.user, name="user")
cli.add_typer(db.db, name="db")
cli.add_typer(evidence.evidence, name="evidence")
cli.add_typer(roster.roster, name="roster")
cli.add_typer(rules.rules, name="rules")
cli.add_typer(audit.audit, name="audit")
cli.add_typer(incident.incident, name="incident")
command(cli, "token")(users.token)
running.register(cli)
figures.register(cli)
demo.register(cli)
simulate.register(cli)
bench.register(cli)
watch.register(cli)


@cli.callback()
def _root(
    *, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if show_version:
        print(version("doorguard"))
        raise typer.Exit


def main() -> None:
    """Run the command line; a usage error, too, ends in one JSON line where that was asked for."""
    configure_logging("cli", json=not sys.stderr.isatty())
    try:
        cli()
    except SystemExit as end:
        if end.code == _USAGE and "--json" in sys.argv:
            print(json.dumps({"ok": False, "error": "UsageError", "detail": "see standard error"}))
        raise
