"""`doorguard rules check`: what is wrong with a file of rules, before anything runs by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alerts.rules.loading import DEFAULT, load
from alerts.rules.problems import RulesRefused
from app.cli.command import Result, command
from app.site import Site

rules = typer.Typer(help="What makes incidents of events.", no_args_is_help=True)


@command(rules, "check")
def check(
    site: Site,  # noqa: ARG001 - every command has one
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Ours when none is named.")
    ] = None,
) -> Result:
    """Say what is wrong with a file of rules and what to do; exit status 1 if anything is."""
    path = file or DEFAULT
    try:
        table = load(path)
    except RulesRefused as refused:
        problems = [{"line": one.line, "what": one.what, "do": one.do} for one in refused.problems]
        return {"ok": False, "file": str(path), "problems": problems}, str(refused)
    count = len({rule.name for some in table.first.values() for rule in some}) + sum(
        len(some) for some in table.raises.values()
    )
    result = {"ok": True, "file": str(path), "problems": []}
    return result, f"{path}: nothing is wrong with it; {count} rules decide"


@command(rules, "show")
def show(site: Site) -> Result:  # noqa: ARG001
    """Print the rules that ship, to begin a file of one's own with."""
    text = DEFAULT.read_text(encoding="utf-8")
    return {"ok": True, "file": str(DEFAULT), "text": text}, text.rstrip()
